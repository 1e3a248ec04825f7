import type { StateTable } from '@hearth/core'

/** What a snapshot's status may become. Every status may become `deleting` by force. */
export const snapshotStates: StateTable = {
  creating: ['available', 'error', 'creating', 'deleting'],
  available: ['deleting', 'backing-up', 'restoring', 'unmanaging'],
  'backing-up': ['available', 'deleting'],
  restoring: ['available', 'error', 'deleting'],
  managing: ['available', 'error', 'deleting'],
  unmanaging: ['error', 'deleting'],
  updating: ['deleting'],
  deleted: ['deleting'],
  error: ['deleting'],
  deleting: ['available', 'error_deleting', 'deleting'],
  error_deleting: ['deleting', 'error_deleting'],
}

export const deletableSnapshots = ['available', 'error']

/** What an administrator may set by hand. */
export const resettableSnapshots = ['creating', 'available', 'deleting', 'error', 'error_deleting']

export const resetSnapshotStates: StateTable = Object.fromEntries(
  Object.keys(snapshotStates).map((from) => [from, resettableSnapshots]),
)
