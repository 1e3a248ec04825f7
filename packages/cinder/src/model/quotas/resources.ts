import { own } from '@hearth/core'

/** All resources that have a limit, with the default limit of a project; -1 means unlimited. */
export const defaultLimits = {
  volumes: 10,
  snapshots: 10,
  gigabytes: 1000,
  backups: 10,
  backup_gigabytes: 1000,
  per_volume_gigabytes: -1,
  groups: 10,
} as const

/** Resources that are also counted per volume type, under `<resource>_<type name>`; unlimited unless a limit is set. */
export const perTypeResources = ['volumes', 'gigabytes', 'snapshots'] as const

/** The largest limit upstream stores. */
export const maximumLimit = 0x7fffffff

/** The default limit of any resource name, per-type ones included. */
export function defaultLimit(resource: string): number {
  return own<number>(defaultLimits, resource) ?? -1
}
