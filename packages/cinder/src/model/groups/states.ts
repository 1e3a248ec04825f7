import type { StateTable } from '@hearth/core'

/** Allowed changes of a group's status. A group is available when it is empty or all its volumes are made. */
export const groupStates: StateTable = {
  creating: ['available', 'error', 'deleting'],
  available: ['deleting', 'error'],
  error: ['available', 'deleting'],
  deleting: ['error'],
}

/** Statuses that an administrator may set, from any status. */
export const resettableGroups = ['creating', 'available', 'deleting', 'error', 'error_deleting', 'updating']

export const resetGroupStates: StateTable = Object.fromEntries(
  [...new Set([...Object.keys(groupStates), ...resettableGroups])].map((from) => [from, resettableGroups]),
)
