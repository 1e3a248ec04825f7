import type { StateTable } from '@hearth/core'

/** What a backup's status may become. Deleting by force, and an administrator's reset, may begin anywhere. */
export const backupStates: StateTable = {
  creating: ['available', 'error', 'deleting'],
  available: ['restoring', 'deleting', 'error'],
  restoring: ['available', 'error', 'deleting'],
  error: ['deleting', 'available'],
  deleting: ['error', 'available', 'deleting'],
}

/** Statuses from which an ordinary delete starts. */
export const deletableBackups = ['available', 'error']
