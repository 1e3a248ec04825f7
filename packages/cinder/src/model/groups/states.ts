import type { StateTable } from '@hearth/core'

/** What a group's status may become. A group that is empty or whose volumes are all made is available. */
export const groupStates: StateTable = {
  creating: ['available', 'error', 'deleting'],
  available: ['deleting', 'error'],
  error: ['available', 'deleting'],
  deleting: ['error'],
}

/** What an administrator may set by hand, from anything. */
export const resettableGroups = ['creating', 'available', 'deleting', 'error', 'error_deleting', 'updating']

export const resetGroupStates: StateTable = Object.fromEntries(
  [...new Set([...Object.keys(groupStates), ...resettableGroups])].map((from) => [from, resettableGroups]),
)
