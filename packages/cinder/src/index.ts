import { startApi } from './api/role.ts'
import { startBackup } from './backup/role.ts'
import { startScheduler } from './scheduler/role.ts'
import { startVolume } from './volume/role.ts'

export { migrations } from '../migrations/index.ts'
export { history } from './api/microversions.ts'
export type { ApiOptions } from './api/role.ts'
export { policies, routes } from './api/routes.ts'
export type { BackupOptions } from './backup/role.ts'
export type { Backend, BackendSource } from './model/backends.ts'
export { type ComputeClient, openComputeClient } from './model/clients/compute.ts'
export { errorRows, errors } from './model/errors.ts'
export type { SchedulerOptions } from './scheduler/role.ts'
export type { VolumeOptions } from './volume/role.ts'

/** The process roles of block storage. */
export const roles = { api: startApi, scheduler: startScheduler, volume: startVolume, backup: startBackup }
