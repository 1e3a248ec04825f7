import type { StateTable } from '@hearth/core'

/** The allowed changes of a snapshot's status. Every status may become `deleting`, for force-delete. */
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

/** Statuses that an administrator may set by hand. */
const resettableSnapshots = ['creating', 'available', 'deleting', 'error', 'error_deleting']

export const resetSnapshotStates: StateTable = Object.fromEntries(
  Object.keys(snapshotStates).map((from) => [from, resettableSnapshots]),
)
