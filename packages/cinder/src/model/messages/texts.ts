/** Kinds of work and what can go wrong, with upstream's numbers (cinder/message/message_field.py). */
export const actions = {
  'schedule-volume': ['001', 'schedule allocate volume'],
  'attach-volume': ['002', 'attach volume'],
  'copy-volume-to-image': ['003', 'copy volume to image'],
  'update-attachment': ['004', 'update attachment'],
  'copy-image-to-volume': ['005', 'copy image to volume'],
  'unmanage-volume': ['006', 'unmanage volume'],
  'extend-volume': ['007', 'extend volume'],
  'create-volume': ['008', 'create volume from backend storage'],
  'create-snapshot': ['009', 'create snapshot'],
  'delete-snapshot': ['010', 'delete snapshot'],
  'update-snapshot': ['011', 'update snapshot'],
  'update-snapshot-metadata': ['012', 'update snapshot metadata'],
  'create-backup': ['013', 'create backup'],
  'delete-backup': ['014', 'delete backup'],
  'restore-backup': ['015', 'restore backup'],
  'reimage-volume': ['016', 'reimage volume'],
} as const

export const details = {
  'unknown-error': ['001', 'An unknown error occurred.'],
  'driver-not-ready': ['002', 'Driver is not initialized at present.'],
  'no-backend': ['003', 'Could not find any available weighted backend.'],
  'upload-failed': ['004', 'Failed to upload volume to image at backend.'],
  'attach-mode-invalid': ['005', "Volume's attach mode is invalid."],
  'quota-exceeded': ['006', 'Not enough quota resource for operation.'],
  'no-space-for-image': ['007', 'Image used for creating volume exceeds available space.'],
  'unmanage-encrypted': ['008', 'Unmanaging encrypted volumes is not supported.'],
  'compute-failed': ['009', 'Compute service failed to extend volume.'],
  'extend-failed': ['010', 'Volume Driver failed to extend volume.'],
  'signature-failed': ['011', 'Image signature verification failed.'],
  'create-failed': ['012', 'Driver failed to create the volume.'],
  'snapshot-failed': ['013', 'Snapshot failed to create.'],
  'snapshot-metadata-failed': ['014', 'Volume snapshot update metadata failed.'],
  'snapshot-busy': ['015', 'Snapshot is busy.'],
  'snapshot-delete-failed': ['016', 'Snapshot failed to delete.'],
  'backup-status-invalid': ['017', 'Backup status is invalid.'],
  'backup-service-down': ['018', 'Backup service is down.'],
  'backup-no-device': ['019', 'Failed to get backup device from the volume service.'],
  'backup-failed': ['020', 'Backup driver failed to create backup.'],
  'attach-failed': ['021', 'Failed to attach volume.'],
  'detach-failed': ['022', 'Failed to detach volume.'],
  'backup-cleanup-failed': ['023', 'Cleanup of temporary volume/snapshot failed.'],
  'backup-not-scheduled': ['024', 'Backup failed to schedule. Service not found for creating backup.'],
  'backup-delete-failed': ['025', 'Backup driver failed to delete backup.'],
  'restore-failed': ['026', 'Backup failed to restore to volume.'],
  'volume-status-invalid': ['027', 'Volume status is invalid.'],
  'reimage-failed': ['028', 'Compute service failed to reimage volume.'],
  'image-format-refused': ['029', 'The image disk format must be the same as the volume format.'],
} as const

export type MessageAction = keyof typeof actions
export type MessageDetail = keyof typeof details

/** `action:detail` as users read it. */
export function userMessage(actionId: string, detailId: string): string {
  const action = Object.values(actions).find(([id]) => id === actionId)
  const detail = Object.values(details).find(([id]) => id === detailId)
  return `${action?.[1] ?? 'unknown action'}:${detail?.[1] ?? details['unknown-error'][1]}`
}
