import type { StateTable } from '@hearth/core'

/**
 * The allowed changes of a volume's status. Every status may become `deleting`, for force-delete; an ordinary delete
 * starts only from `deletable`.
 */
export const volumeStates: StateTable = {
  creating: ['downloading', 'available', 'error', 'restoring-backup', 'deleting'],
  downloading: ['available', 'error', 'reserved', 'deleting'],
  available: [
    'deleting',
    'extending',
    'reserved',
    'attaching',
    'in-use',
    'uploading',
    'backing-up',
    'restoring-backup',
    'retyping',
    'maintenance',
    'awaiting-transfer',
    'reverting',
    'downloading',
    'unmanaging',
  ],
  reserved: ['attaching', 'in-use', 'available', 'downloading', 'backing-up', 'deleting'],
  attaching: ['in-use', 'available', 'reserved', 'detaching', 'error_attaching', 'deleting'],
  'in-use': [
    'detaching',
    'available',
    'reserved',
    'attaching',
    'extending',
    'uploading',
    'backing-up',
    'retyping',
    'deleting',
  ],
  detaching: ['in-use', 'available', 'reserved', 'attaching', 'error_detaching', 'deleting'],
  extending: ['available', 'in-use', 'error_extending', 'deleting'],
  uploading: ['available', 'in-use', 'error', 'deleting'],
  'backing-up': ['available', 'in-use', 'reserved', 'error', 'error_backing-up', 'deleting'],
  'restoring-backup': ['available', 'error', 'error_restoring', 'deleting'],
  retyping: ['available', 'in-use', 'error', 'deleting'],
  reverting: ['available', 'error', 'deleting'],
  maintenance: ['available', 'deleting'],
  'awaiting-transfer': ['available', 'deleting'],
  managing: ['available', 'error_managing', 'deleting'],
  unmanaging: ['error_unmanaging', 'deleting'],
  deleting: ['available', 'error_deleting', 'deleting'],
  error: ['deleting', 'downloading'],
  error_deleting: ['deleting'],
  error_managing: ['deleting'],
  error_unmanaging: ['deleting'],
  error_restoring: ['deleting'],
  error_extending: ['deleting'],
  error_attaching: ['deleting'],
  error_detaching: ['deleting'],
  'error_backing-up': ['deleting'],
}

/** Statuses from which an ordinary delete starts. */
export const deletable = ['available', 'error', 'error_restoring', 'error_extending', 'error_managing']

/** Statuses that an administrator may set by hand. */
export const resettable = [
  'creating',
  'available',
  'deleting',
  'error',
  'error_deleting',
  'error_managing',
  'managing',
  'attaching',
  'in-use',
  'detaching',
  'maintenance',
  'restoring-backup',
  'error_restoring',
  'reserved',
  'awaiting-transfer',
  'backing-up',
  'error_backing-up',
  'error_extending',
  'downloading',
  'uploading',
  'retyping',
  'extending',
]

/** The changes that os-reset_status allows: from any status to any of `resettable`. */
export const resetStates: StateTable = Object.fromEntries(
  [...new Set([...Object.keys(volumeStates), ...resettable])].map((from) => [from, resettable]),
)
