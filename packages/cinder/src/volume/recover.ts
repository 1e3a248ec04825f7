import type { MessageContext, Topic } from '@hearth/bus'
import { own, uuid } from '@hearth/core'
import {
  adoptSnapshot,
  adoptVolume,
  createSnapshot,
  createVolume,
  deleteSnapshot,
  deleteVolume,
  extendVolume,
  migrateVolume,
  reimageVolume,
  revertVolume,
  uploadVolume,
} from '../model/topics.ts'
import { isMigrationTarget } from '../model/volumes/migration.ts'
import { type VolumeRow, volumesOnBackend } from '../model/volumes/store.ts'
import type { BackendDeps } from './deps.ts'
import { removeOrphans, restoreExports } from './reconcile.ts'

/** The topic that resumes the work of each "-ing" status; the rows hold all that it needs. */
const volumeTopics: Record<string, Topic<{ volumeId: string }>> = {
  deleting: deleteVolume,
  extending: extendVolume,
  uploading: uploadVolume,
  reverting: revertVolume,
  managing: adoptVolume,
}
const snapshotTopics: Record<string, Topic<{ snapshotId: string }>> = {
  creating: createSnapshot,
  deleting: deleteSnapshot,
  managing: adoptSnapshot,
}

/**
 * Runs before the role serves messages: sweeps the image cache, restores exports, removes orphans, and casts
 * interrupted work again. A message that is still in the queue repeats the work at most once more, which handlers
 * allow.
 */
export async function recoverBackend(deps: BackendDeps): Promise<void> {
  await deps.imageCache.sweep(true)
  const volumes = await volumesOnBackend(deps.database.query, deps.backend.host)
  await restoreExports(volumes, deps)
  await removeOrphans(volumes, deps)
  await resumeWork(volumes, deps)
}

async function resumeWork(volumes: VolumeRow[], deps: BackendDeps): Promise<void> {
  const { database, bus, backend } = deps
  const context: MessageContext = { requestId: `req-${uuid()}`, userId: null, projectId: null }
  const snapshots = await database
    .query('snapshots')
    .whereIn('volume_id', volumesOf(database.query, backend.host))
    .whereIn('status', Object.keys(snapshotTopics))
    .select('id', 'status')
  await database.transaction(async (tx) => {
    for (const volume of volumes) {
      const payload = { volumeId: volume.id }
      const topic = own(volumeTopics, volume.status)
      if (isMigrationTarget(volume) && volume.status === 'creating')
        await bus.cast(tx, migrateVolume, backend.host, payload, context)
      else if (isCreation(volume)) await bus.cast(tx, createVolume, backend.host, { ...payload, excluded: [] }, context)
      else if (volume.status === 'downloading') await bus.cast(tx, reimageVolume, backend.host, payload, context)
      else if (topic && canResume(volume)) await bus.cast(tx, topic, backend.host, payload, context)
    }
    for (const { id, status } of snapshots) {
      await bus.cast(tx, own(snapshotTopics, status)!, backend.host, { snapshotId: id }, context)
    }
  })
}

function volumesOf(q: BackendDeps['database']['query'], host: string) {
  return q('volumes').where('host', 'like', `${host}#%`).select('id')
}

/** True if the volume is being created; `downloading` is a re-image if the volume has been available before. */
function isCreation(volume: VolumeRow): boolean {
  if (volume.launched_at !== null) return false
  return volume.status === 'creating' || volume.status === 'downloading'
}

/** False for an extension that the scheduler has not accepted yet: the scheduler still has that message. */
function canResume(volume: VolumeRow): boolean {
  if (volume.status !== 'extending') return true
  return (JSON.parse(volume.task ?? '{}') as { placed?: boolean }).placed === true
}
