import { listAttachments } from '../model/attachments/store.ts'
import { type VolumeRow, volumeRef, volumeRows } from '../model/volumes/store.ts'
import { exportVolume, listInitiators, readChap } from './attachments/export.ts'
import type { BackendDeps } from './deps.ts'
import { baseRef, listBases } from './image-cache/store.ts'

/**
 * Makes the exports match the rows: exports every connected volume again, with its saved credentials, and removes the
 * exports of other volumes of the backend. On an exclusive backend it removes orphaned exports too.
 */
export async function restoreExports(volumes: VolumeRow[], deps: BackendDeps): Promise<void> {
  const exporter = deps.backend.export
  if (!exporter) return
  const wanted = new Set<string>()
  for (const volume of volumes) {
    if (!(await isConnected(volume, deps))) continue
    wanted.add(volumeRef(volume).name)
    await exportVolume(volume, await listInitiators(volume, deps), deps).catch((error: unknown) => {
      deps.log.error({ err: error, volumeId: volume.id }, 'the export of an attached volume could not be restored')
    })
  }
  // Other backends may share the target server.
  for (const name of await exportedElsewhere(deps)) wanted.add(name)
  const here = new Set(volumes.map((volume) => volumeRef(volume).name))
  const canRemove = (name: string): boolean =>
    !wanted.has(name) && (deps.backend.isExclusive === true || here.has(name))
  for (const name of (await exporter.list()).filter(canRemove)) await exporter.remove(name)
}

async function exportedElsewhere({ database, backend }: BackendDeps): Promise<string[]> {
  const rows = await database
    .query('volumes')
    .whereNotNull('provider_auth')
    .whereNot('host', 'like', `${backend.host}#%`)
  return volumeRows(rows).map((row) => volumeRef(row).name)
}

async function isConnected(volume: VolumeRow, deps: BackendDeps): Promise<boolean> {
  if (!readChap(volume)) return false
  if (volume.status === 'attaching' || volume.status === 'detaching') return true
  const attachments = await listAttachments(deps.database.query, { volume_id: volume.id })
  return attachments.some((one) => one.connection_info !== null || one.status === 'attached')
}

const hearthNames = /^(volume|snapshot)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/**
 * Removes orphans: volumes and snapshots with Hearth's names but without a row. If the backend is not exclusive, only
 * logs them. If there are several volumes and the database knows none, it is assumed to be the wrong database, and
 * nothing is removed.
 */
export async function removeOrphans(volumes: VolumeRow[], deps: BackendDeps): Promise<void> {
  const { backend, log } = deps
  if (!backend.volume.list) return
  const found = await backend.volume.list()
  const known = await knownNames(volumes, deps)
  const isOrphan = (name: string): boolean => hearthNames.test(name) && !known.has(name)
  const orphans = { volumes: found.volumes.filter(isOrphan), snapshots: found.snapshots.filter(isOrphan) }
  if (backend.isExclusive !== true) {
    if (orphans.volumes.length + orphans.snapshots.length > 0)
      log.info({ ...orphans }, 'orphans found on the backend; they are kept, as the backend is not exclusive')
    return
  }
  if (orphans.volumes.length > 0 && volumes.length === 0 && found.volumes.length > 1) {
    log.error(
      { count: orphans.volumes.length },
      'orphans found on the backend, but the database knows no volume of it: nothing is removed. Check the database URL',
    )
    return
  }
  for (const name of orphans.snapshots) {
    const id = name.slice('snapshot-'.length)
    // The volume of an orphaned snapshot is unknown; a name made from the snapshot's id stands for it.
    const volume = { id, name: `volume-${id}`, sizeGiB: 1, providerLocation: null }
    await removeOrphan(name, deps, () => backend.volume.deleteSnapshot({ id, name, volume, providerLocation: null }))
  }
  for (const name of orphans.volumes) {
    const id = name.slice('volume-'.length)
    await removeOrphan(name, deps, () => backend.volume.delete({ id, name, sizeGiB: 1, providerLocation: null }))
  }
}

async function knownNames(volumes: VolumeRow[], { database, backend }: BackendDeps): Promise<Set<string>> {
  const q = database.query
  const bases = await listBases(q, backend.host)
  const here = q('volumes').where('host', 'like', `${backend.host}#%`).select('id')
  const snapshots = await q('snapshots').whereIn('volume_id', here).select('id', 'backend_name')
  const temporary: string[] = await q('backups').whereNotNull('temp_snapshot_id').pluck('temp_snapshot_id')
  const unmanaged: string[] = await q('unmanaged_objects').where({ host: backend.host }).pluck('name')
  return new Set([
    ...volumes.flatMap((volume) => [volumeRef(volume).name, `volume-${volume.id}`]),
    ...bases.map((base) => baseRef(base).name),
    ...snapshots.flatMap(({ id, backend_name }) => [backend_name ?? '', `snapshot-${id}`]),
    ...temporary.flatMap((id) => [`volume-${id}`, `snapshot-${id}`]),
    ...unmanaged,
  ])
}

async function removeOrphan(name: string, { log }: BackendDeps, work: () => Promise<void>): Promise<void> {
  await work().then(
    () => log.warn({ name }, 'orphan removed'),
    (error: unknown) => log.warn({ err: error, name }, 'orphan could not be removed'),
  )
}
