import type { MessageContext, Topic } from '@hearth/bus'
import type { Context } from '@hearth/core'

/** The one target of the scheduler's topics. */
export const schedulerTarget = 'scheduler'

const text = { type: 'string' }
const textOrNull = { type: ['string', 'null'] }
const number = { type: 'integer' }

function payload(properties: Record<string, object>, optional: string[] = []): object {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return { type: 'object', properties, required, additionalProperties: false }
}

/** Cast to the scheduler: choose a pool for a new volume. The message is stale if `attempt` differs from the row's. */
export const scheduleVolume: Topic<{ volumeId: string; attempt: number; excluded: string[] }> = {
  name: 'volume.schedule',
  kind: 'cast',
  payload: payload({ volumeId: text, attempt: number, excluded: { type: 'array', items: text } }),
}
export const scheduleExtend: Topic<{ volumeId: string }> = {
  name: 'volume.schedule-extend',
  kind: 'cast',
  payload: payload({ volumeId: text }),
}
export const scheduleRetype: Topic<{ volumeId: string }> = {
  name: 'volume.schedule-retype',
  kind: 'cast',
  payload: payload({ volumeId: text }),
}

/** Cast to the scheduler: check the destination of a migration. `host` is `host1@file`, with or without a pool. */
export const scheduleMigration: Topic<{ volumeId: string; host: string }> = {
  name: 'volume.schedule-migration',
  kind: 'cast',
  payload: payload({ volumeId: text, host: text }),
}

/** Cast to a backend, `host1@file`. The volume's row holds the details. */
export const createVolume: Topic<{ volumeId: string; excluded: string[] }> = {
  name: 'volume.create',
  kind: 'cast',
  payload: payload({ volumeId: text, excluded: { type: 'array', items: text } }),
}

function volumeTopic(name: string): Topic<{ volumeId: string }> {
  return { name, kind: 'cast', payload: payload({ volumeId: text }) }
}
export const deleteVolume = volumeTopic('volume.delete')
export const extendVolume = volumeTopic('volume.extend')
export const revertVolume = volumeTopic('volume.revert')
export const reimageVolume = volumeTopic('volume.reimage')
export const uploadVolume = volumeTopic('volume.upload')
/** Cast to the destination backend of a migration. `volumeId` is the migration target's row. */
export const migrateVolume = volumeTopic('volume.migrate')
export const adoptVolume = volumeTopic('volume.manage')

function snapshotTopic(name: string): Topic<{ snapshotId: string }> {
  return { name, kind: 'cast', payload: payload({ snapshotId: text }) }
}
export const createSnapshot = snapshotTopic('snapshot.create')
export const deleteSnapshot = snapshotTopic('snapshot.delete')
export const adoptSnapshot = snapshotTopic('snapshot.manage')

/** Cast to the backup role of a host, `host1`. The backup's row holds the details. */
export const createBackup: Topic<{ backupId: string }> = {
  name: 'backup.create',
  kind: 'cast',
  payload: payload({ backupId: text }),
}
export const deleteBackup: Topic<{ backupId: string }> = {
  name: 'backup.delete',
  kind: 'cast',
  payload: payload({ backupId: text }),
}
/** The volume is in `restoring-backup`. */
export const restoreBackup: Topic<{ backupId: string; volumeId: string }> = {
  name: 'backup.restore',
  kind: 'cast',
  payload: payload({ backupId: text, volumeId: text }),
}

/**
 * Exports the volume to a connector and returns the nested connection_info; saved in the attachment, if one is named.
 */
export const connectVolume: Topic<
  { volumeId: string; attachmentId: string | null; connector: Record<string, unknown>; mode: string | null },
  Record<string, unknown>
> = {
  name: 'volume.connect',
  kind: 'call',
  payload: payload({ volumeId: text, attachmentId: textOrNull, connector: { type: 'object' }, mode: textOrNull }),
}

/** Deletes an attachment, or the legacy connection if none is named. Removes the export with the last one. */
export const disconnectVolume: Topic<{ volumeId: string; attachmentId: string | null }, null> = {
  name: 'volume.disconnect',
  kind: 'call',
  payload: payload({ volumeId: text, attachmentId: textOrNull }),
}

/** A volume or snapshot that exists on a backend. */
export interface BackendObject {
  name: string
  kind: 'volume' | 'snapshot'
  /** Null if the driver does not report it. */
  sizeGiB: number | null
  /** Name of the volume that a snapshot belongs to, if the driver reports it. */
  volumeName: string | null
  /** Reason why the object cannot be adopted; null if it can. */
  unsafe: string | null
  /** Adoption renames the object to Hearth's name; false if it keeps its own. */
  renamed: boolean
}

/**
 * Lists the volumes or snapshots on a backend: all, only the one with `name`, or only the snapshots of `volumeName`.
 */
export const listObjects: Topic<
  { kind: 'volume' | 'snapshot'; name: string | null; volumeName: string | null },
  BackendObject[]
> = {
  name: 'backend.find',
  kind: 'call',
  payload: payload({ kind: text, name: textOrNull, volumeName: textOrNull }),
}

/** Makes a backend report its capacity at once instead of with its next heartbeat. */
export const reportStats: Topic<Record<string, never>, null> = {
  name: 'backend.report',
  kind: 'call',
  payload: payload({}),
}

/** Returns the fields of a request's context that its messages carry. */
export function messageContext(context: Context): MessageContext {
  return {
    requestId: context.requestId,
    userId: context.identity?.userId ?? null,
    projectId: context.identity?.projectId ?? null,
  }
}
