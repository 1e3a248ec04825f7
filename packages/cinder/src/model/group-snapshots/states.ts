import type { StateTable } from '@hearth/core'

/** Allowed changes of a group snapshot's status, which follows the snapshots of its volumes. */
export const groupSnapshotStates: StateTable = {
  creating: ['available', 'error', 'deleting'],
  available: ['deleting', 'error'],
  error: ['deleting'],
  deleting: ['error_deleting'],
  error_deleting: ['deleting'],
}

/** Statuses that an administrator may set, from any status. */
export const resettable = ['creating', 'available', 'deleting', 'error', 'error_deleting', 'updating']

export const resetStates: StateTable = Object.fromEntries(
  [...new Set([...Object.keys(groupSnapshotStates), ...resettable])].map((from) => [from, resettable]),
)
