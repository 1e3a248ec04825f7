import { errorTable, HearthError } from '@hearth/core'

/** What a caller over its limits is told: Cinder's 413 faults, which also say to retry at once. */
const table = errorTable({
  VolumeLimitExceeded: [413, "Maximum number of volumes allowed ({allowed}) exceeded for quota '{name}'."],
  SnapshotLimitExceeded: [413, 'Maximum number of snapshots allowed ({allowed}) exceeded'],
  BackupLimitExceeded: [413, 'Maximum number of backups allowed ({allowed}) exceeded'],
  GroupLimitExceeded: [413, 'Maximum number of groups allowed ({allowed})'],
  VolumeSizeExceedsLimit: [413, 'Requested volume size {size}G is larger than maximum allowed limit {limit}G.'],
  VolumeSizeExceedsAvailableQuota: [
    413,
    'Requested volume or snapshot exceeds allowed {name} quota. Requested {requested}G, quota is {quota}G and {consumed}G has been consumed.',
  ],
  VolumeBackupSizeExceedsAvailableQuota: [
    413,
    'Requested backup exceeds allowed Backup gigabytes quota. Requested {requested}G, quota is {quota}G and {consumed}G has been consumed.',
  ],
})

/** The 413 error of this name, with `Retry-After: 0` as upstream's QuotaError carries it. */
export function overQuota(code: keyof typeof table, params: Record<string, unknown>): HearthError {
  const { message, status } = table[code](params)
  return new HearthError({ code, status, message, params, headers: { 'Retry-After': '0' } })
}
