import type { StateTable } from '@hearth/core'

/** What the status of a group's snapshot may become; it follows the snapshots of its volumes. */
export const groupSnapshotStates: StateTable = {
  creating: ['available', 'error', 'deleting'],
  available: ['deleting', 'error'],
  error: ['deleting'],
  deleting: ['error_deleting'],
  error_deleting: ['deleting'],
}

/** What an administrator may set by hand, from anything. */
export const resettable = ['creating', 'available', 'deleting', 'error', 'error_deleting', 'updating']

export const resetStates: StateTable = Object.fromEntries(
  [...new Set([...Object.keys(groupSnapshotStates), ...resettable])].map((from) => [from, resettable]),
)
