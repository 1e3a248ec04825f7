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

/** Handed to the scheduler: find a place. `attempt` must still be the row's, else the message is stale. */
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

/** `host` is where to: `host1@file`, with or without its pool. */
export const scheduleMigration: Topic<{ volumeId: string; host: string }> = {
  name: 'volume.schedule-migration',
  kind: 'cast',
  payload: payload({ volumeId: text, host: text }),
}

/** To a backend, `host1@file`. What to do in detail stands in the row. */
export const createVolume: Topic<{ volumeId: string; excluded: string[] }> = {
  name: 'volume.create',
  kind: 'cast',
  payload: payload({ volumeId: text, excluded: { type: 'array', items: text } }),
}

function aboutVolume(name: string): Topic<{ volumeId: string }> {
  return { name, kind: 'cast', payload: payload({ volumeId: text }) }
}
export const deleteVolume = aboutVolume('volume.delete')
export const extendVolume = aboutVolume('volume.extend')
export const revertVolume = aboutVolume('volume.revert')
export const reimageVolume = aboutVolume('volume.reimage')
export const uploadVolume = aboutVolume('volume.upload')
/** To the backend of the new place; the volume is the row that stands for it. */
export const migrateVolume = aboutVolume('volume.migrate')
export const manageVolume = aboutVolume('volume.manage')

function aboutSnapshot(name: string): Topic<{ snapshotId: string }> {
  return { name, kind: 'cast', payload: payload({ snapshotId: text }) }
}
export const createSnapshot = aboutSnapshot('snapshot.create')
export const deleteSnapshot = aboutSnapshot('snapshot.delete')
export const manageSnapshot = aboutSnapshot('snapshot.manage')

/** To the backup role of a host, `host1`. What to do in detail stands in the row. */
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

/** Makes the export a connector needs; answers the nested connection_info. Attached to an attachment, if there is one. */
export const connectVolume: Topic<
  { volumeId: string; attachmentId: string | null; connector: Record<string, unknown>; mode: string | null },
  Record<string, unknown>
> = {
  name: 'volume.connect',
  kind: 'call',
  payload: payload({ volumeId: text, attachmentId: textOrNull, connector: { type: 'object' }, mode: textOrNull }),
}

/** Takes an attachment away, and the export with the last one. Without an attachment: the legacy connection. */
export const disconnectVolume: Topic<{ volumeId: string; attachmentId: string | null }, null> = {
  name: 'volume.disconnect',
  kind: 'call',
  payload: payload({ volumeId: text, attachmentId: textOrNull }),
}

/** An object of the backend. */
export interface FoundObject {
  name: string
  kind: 'volume' | 'snapshot'
  /** Null when the driver does not tell. */
  sizeGiB: number | null
  /** Name of the volume a snapshot belongs to, when the driver tells. */
  volumeName: string | null
  /** Why it cannot be taken over, when it cannot. */
  unsafe: string | null
  /** Taking it over gives it our name; else it keeps its own. */
  renamed: boolean
}

/** Lists what is on a backend, or just the object named; snapshots of all volumes, or of one. */
export const findObjects: Topic<
  { kind: 'volume' | 'snapshot'; name: string | null; volumeName: string | null },
  FoundObject[]
> = {
  name: 'backend.find',
  kind: 'call',
  payload: payload({ kind: text, name: textOrNull, volumeName: textOrNull }),
}

/** Asks a backend to tell at once how full it is, instead of with its next heartbeat. */
export const reportStats: Topic<Record<string, never>, null> = {
  name: 'backend.report',
  kind: 'call',
  payload: payload({}),
}

/** What of a request travels with its messages. */
export function messageContext(context: Context): MessageContext {
  return {
    requestId: context.requestId,
    userId: context.identity?.userId ?? null,
    projectId: context.identity?.projectId ?? null,
  }
}
