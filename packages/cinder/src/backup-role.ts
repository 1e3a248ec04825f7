import type { Running } from '@hearth/core'
import type { ServiceSession } from '@hearth/driver'
import { type BackupRoleOptions, openBackupRole } from './backup/role.ts'

export interface BackupOptions extends Omit<BackupRoleOptions, 'host' | 'zone'> {
  /** Name of this host, the first part of its backends' addresses. */
  hostName: string
  /** Default `nova`. */
  availabilityZone?: string
  session?: ServiceSession
}

/** Starts the backup role, which backs up and restores the volumes of this host. */
export async function startBackup({ hostName, availabilityZone, ...options }: BackupOptions): Promise<Running> {
  return openBackupRole({ ...options, host: hostName, zone: availabilityZone ?? 'nova' })
}
