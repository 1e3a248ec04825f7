import type { StateTable } from '@hearth/core'

/** Allowed changes of a backup's status. A forced deletion and an administrator's reset may start from any status. */
export const backupStates: StateTable = {
  creating: ['available', 'error', 'deleting'],
  available: ['restoring', 'deleting', 'error'],
  restoring: ['available', 'error', 'deleting'],
  error: ['deleting', 'available'],
  deleting: ['error', 'available', 'deleting'],
}

/** Statuses from which an ordinary delete starts. */
export const deletableBackups = ['available', 'error']
