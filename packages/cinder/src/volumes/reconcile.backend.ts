import { initiatorsOf, offer, readChap } from '../attachments/offer.backend.ts'
import { listAttachments } from '../attachments/store.ts'
import { baseRef, listBases } from '../image-cache/store.ts'
import type { BackendDeps } from './backend-deps.ts'
import { type VolumeRow, volumeRef, volumeRows } from './store.ts'

/**
 * Brings exports in line with the rows: every volume that a connector was promised is offered again with the credentials it
 * was given, and other volumes of the backend are withdrawn; what no row knows too, where the storage is ours alone.
 */
export async function restoreExports(volumes: VolumeRow[], deps: BackendDeps): Promise<void> {
  const exporter = deps.backend.export
  if (!exporter) return
  const wanted = new Set<string>()
  for (const volume of volumes) {
    if (!(await isConnected(volume, deps))) continue
    wanted.add(volumeRef(volume).name)
    await offer(volume, await initiatorsOf(volume, deps), deps).catch((error: unknown) => {
      deps.log.error({ err: error, volumeId: volume.id }, 'an attached volume could not be offered again')
    })
  }
  // Other backends may share the target server.
  for (const name of await exportedElsewhere(deps)) wanted.add(name)
  const here = new Set(volumes.map((volume) => volumeRef(volume).name))
  const mayRemove = (name: string): boolean => !wanted.has(name) && (deps.backend.exclusive === true || here.has(name))
  for (const name of (await exporter.list()).filter(mayRemove)) await exporter.remove(name)
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

const ours = /^(volume|snapshot)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/**
 * Removes volumes and snapshots of our naming that no row knows, where nobody else keeps volumes; else they are only told of.
 * A backend full of strangers means that the database is the wrong one: then nothing is touched.
 */
export async function removeOrphans(volumes: VolumeRow[], deps: BackendDeps): Promise<void> {
  const { backend, log } = deps
  if (!backend.volume.list) return
  const found = await backend.volume.list()
  const known = await knownNames(volumes, deps)
  const isOrphan = (name: string): boolean => ours.test(name) && !known.has(name)
  const orphans = { volumes: found.volumes.filter(isOrphan), snapshots: found.snapshots.filter(isOrphan) }
  if (backend.exclusive !== true) {
    if (orphans.volumes.length + orphans.snapshots.length > 0)
      log.info({ ...orphans }, 'the backend holds what no row knows; it is left alone')
    return
  }
  if (orphans.volumes.length > 0 && volumes.length === 0 && found.volumes.length > 1) {
    log.error(
      { count: orphans.volumes.length },
      'the backend holds volumes but the database knows none: nothing is removed',
    )
    return
  }
  for (const name of orphans.snapshots) {
    const id = name.slice('snapshot-'.length)
    // Whose it was is unknown; its own name has to do.
    const volume = { id, name: `volume-${id}`, sizeGiB: 1, providerLocation: null }
    await remove(name, deps, () => backend.volume.deleteSnapshot({ id, name, volume, providerLocation: null }))
  }
  for (const name of orphans.volumes) {
    const id = name.slice('volume-'.length)
    await remove(name, deps, () => backend.volume.delete({ id, name, sizeGiB: 1, providerLocation: null }))
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

async function remove(name: string, { log }: BackendDeps, work: () => Promise<void>): Promise<void> {
  await work().then(
    () => log.warn({ name }, 'removed what no row knows'),
    (error: unknown) => log.warn({ err: error, name }, 'what no row knows could not be removed'),
  )
}
