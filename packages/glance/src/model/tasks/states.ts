import type { StateTable } from '@hearth/core'

/** Moves of a task's status. */
export const taskStates: StateTable = {
  pending: ['processing', 'failure'],
  processing: ['success', 'failure'],
  success: [],
  failure: [],
}
