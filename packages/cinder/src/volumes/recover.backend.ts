import type { MessageContext, Topic } from '@hearth/bus'
import { uuid } from '@hearth/core'
import { readChap } from '../attachments/connect.backend.ts'
import { listAttachments } from '../attachments/store.ts'
import { listBases } from '../image-cache/store.ts'
import {
  createSnapshot,
  createVolume,
  deleteSnapshot,
  deleteVolume,
  extendVolume,
  manageVolume,
  reimageVolume,
  revertVolume,
  unmanageVolume,
  uploadVolume,
} from '../topics.ts'
import type { BackendDeps } from './backend-deps.ts'
import { type VolumeRow, volumeRef, volumesOnBackend } from './store.ts'

/** What takes up the work of each "-ing" status again; all of it stands in the rows. */
const volumeTopics: Record<string, Topic<{ volumeId: string }>> = {
  deleting: deleteVolume,
  extending: extendVolume,
  uploading: uploadVolume,
  reverting: revertVolume,
  managing: manageVolume,
  unmanaging: unmanageVolume,
}
const snapshotTopics: Record<string, Topic<{ snapshotId: string }>> = {
  creating: createSnapshot,
  deleting: deleteSnapshot,
}

/**
 * Runs before the role takes messages: what a crash interrupted is asked for again (messages still under way do it twice at
 * most, which handlers bear), exports follow the attachments, and what no row knows is removed.
 */
export async function recoverBackend(deps: BackendDeps): Promise<void> {
  await deps.imageCache.tidy(true)
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
      const topic = volumeTopics[volume.status]
      if (isCreation(volume)) await bus.cast(tx, createVolume, backend.host, { ...payload, excluded: [] }, context)
      else if (volume.status === 'downloading') await bus.cast(tx, reimageVolume, backend.host, payload, context)
      else if (topic && mayResume(volume)) await bus.cast(tx, topic, backend.host, payload, context)
    }
    for (const { id, status } of snapshots) {
      await bus.cast(tx, snapshotTopics[status]!, backend.host, { snapshotId: id }, context)
    }
  })
}

function volumesOf(q: BackendDeps['database']['query'], host: string) {
  return q('volumes').where('host', 'like', `${host}#%`).select('id')
}

/** `downloading` is part of a creation unless the volume was there before. */
function isCreation(volume: VolumeRow): boolean {
  if (volume.launched_at !== null) return false
  return volume.status === 'creating' || volume.status === 'downloading'
}

/** An extension that the scheduler has not agreed to yet is still on its way there. */
function mayResume(volume: VolumeRow): boolean {
  if (volume.status !== 'extending') return true
  return (JSON.parse(volume.task ?? '{}') as { placed?: boolean }).placed === true
}

/** Every volume that a connector was promised is offered again, with the credentials it was given. */
async function restoreExports(volumes: VolumeRow[], deps: BackendDeps): Promise<void> {
  const { backend, database, log } = deps
  const exporter = backend.export
  if (!exporter) return
  const offered = new Set<string>()
  for (const volume of volumes) {
    const chap = readChap(volume)
    const attachments = await listAttachments(database.query, { volume_id: volume.id })
    const isLegacy = attachments.length === 0 && (volume.status === 'attaching' || volume.status === 'detaching')
    if (!chap || !(isLegacy || attachments.some((one) => one.connection_info !== null))) continue
    const { name } = volumeRef(volume)
    offered.add(name)
    try {
      const reached = await backend.volume.connection(volumeRef(volume))
      if (reached.kind !== 'device') continue
      const { path, sizeBytes, blockSize } = reached
      await exporter.create({ name, path, sizeBytes, blockSize, chap })
    } catch (error) {
      log.error({ err: error, volumeId: volume.id }, 'an attached volume could not be offered again')
    }
  }
  for (const name of await exporter.list()) if (!offered.has(name)) await exporter.remove(name)
}

const ours = /^(volume|snapshot)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Removes volumes and snapshots of our naming that no row knows. */
async function removeOrphans(volumes: VolumeRow[], deps: BackendDeps): Promise<void> {
  const { backend, database, log } = deps
  if (!backend.volume.list) return
  const found = await backend.volume.list()
  const bases = await listBases(database.query, backend.host)
  const known = new Set([...volumes, ...bases].map(({ id }) => `volume-${id}`))
  const snapshots: { id: string; volume_id: string }[] = await database
    .query('snapshots')
    .whereIn('volume_id', volumesOf(database.query, backend.host))
    .select('id', 'volume_id')
  for (const { id } of snapshots) known.add(`snapshot-${id}`)
  const isOrphan = (name: string): boolean => ours.test(name) && !known.has(name)
  const idOf = (name: string): string => name.slice(name.indexOf('-') + 1)
  const remove = async (name: string, work: () => Promise<void>): Promise<void> => {
    await work().then(
      () => log.warn({ name }, 'removed what no row knows'),
      (error: unknown) => log.warn({ err: error, name }, 'what no row knows could not be removed'),
    )
  }
  for (const name of found.snapshots.filter(isOrphan)) {
    const id = idOf(name)
    // Whose it was is unknown; its own name has to do.
    const volume = { id, name: `volume-${id}`, sizeGiB: 1, providerLocation: null }
    await remove(name, () => backend.volume.deleteSnapshot({ id, name, volume, providerLocation: null }))
  }
  for (const name of found.volumes.filter(isOrphan)) {
    await remove(name, () => backend.volume.delete({ id: idOf(name), name, sizeGiB: 1, providerLocation: null }))
  }
}
