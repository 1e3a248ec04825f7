import { DriverError, type ManageableObject, type SnapshotRef, type VolumeRef } from '@hearth/driver'
import type { Pool } from '../ceph/librados.ts'
import { changeImage, codeOf, listImages, withImage } from '../ceph/librbd.ts'
import { ageOf, checkName, isSnapshotName, isUpstreamRemnant, isVolumeName } from '../ceph/naming.ts'
import { renameImage } from '../ceph/renaming.ts'
import { type Backend, found, gib, notFound, sizeOf } from './backend.ts'
import { ensureUnused } from './deletion.ts'

/** Images looked at side by side. */
const width = 6

/** Gives an image the volume's name. Throws `not-found`, and `busy` while a client has it open. */
export async function manage(backend: Backend, volume: VolumeRef, reference: string): Promise<void> {
  checkName(volume.name)
  checkForeignName(reference)
  return backend.session.use(async (pool) => {
    const rename = async () => {
      await withImage(pool, reference, { readOnly: true }, (image) => ensureUnused(image, reference))
      await renameImage(pool, reference, volume.name)
      return true
    }
    const renamed = await found(rename()).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error
      throw new DriverError('invalid', `${volume.name} and ${reference} are both in the pool ${pool.name}`)
    })
    if (!renamed && (await sizeOf(pool, volume.name)) === null) throw notFound(pool, reference)
  })
}

/** Adopts a snapshot by renaming it; may be repeated. Throws `not-found`, and `invalid` for a name with `/` or `@`. */
export async function manageSnapshot(backend: Backend, snapshot: SnapshotRef, reference: string): Promise<void> {
  checkName(snapshot.name)
  checkName(snapshot.volume.name)
  checkForeignName(reference)
  return backend.session.use(async (pool) => {
    const { name, volume } = snapshot
    const rename = async () => {
      await changeImage(pool, volume.name, async (image) => {
        const names = (await image.snapshots()).map((one) => one.name)
        if (names.includes(name) && !names.includes(reference)) return
        await image.renameSnapshot(reference, name)
      })
      return true
    }
    if (!(await found(rename()))) throw notFound(pool, `${volume.name}@${reference}`)
  })
}

/** `/` and `@` lead to other pools, namespaces and snapshots. */
function checkForeignName(name: string): void {
  const plain = [...name].every((character) => character > '\x1f' && !'/@\x7f'.includes(character))
  if (plain && name !== '' && name.length <= 240) return
  throw new DriverError('invalid', `${JSON.stringify(name.slice(0, 60))} is no name of an image: no / and no @ in it`)
}

/** Returns the sorted names of all volumes and snapshots in the pool, and of nothing else. */
export function listNames(backend: Backend): Promise<{ volumes: string[]; snapshots: string[] }> {
  return backend.session.use(async (pool) => {
    const volumes = (await listImages(pool)).map(({ name }) => name).filter(isVolumeName)
    const snapshots = await eachImage(pool, volumes, (image) => image.snapshots())
    const names = snapshots.flatMap((list) => (list ?? []).map(({ name }) => name))
    return { volumes: volumes.sort(), snapshots: names.filter(isSnapshotName).sort() }
  })
}

/** Returns the images and snapshots of the pool that can be adopted; leaves out temporary ones. */
export function listManageable(backend: Backend): Promise<ManageableObject[]> {
  return backend.session.use(async (pool) => {
    const passing = (name: string) => ageOf(name) !== null || isUpstreamRemnant(name)
    const images = (await listImages(pool)).map(({ name }) => name).filter((name) => !passing(name))
    const objects = await eachImage(pool, images.sort(), async (image, name) => {
      const [sizeBytes, snapshots] = [await image.sizeBytes(), await image.snapshots()]
      const used = (await image.watchers()).length > 0
      const volume: ManageableObject = { kind: 'volume', name, sizeGiB: inGiB(sizeBytes) }
      if (used) volume.unsafe = 'a client has it open'
      const kept = snapshots.filter((snapshot) => !passing(snapshot.name))
      const toObject = (snapshot: (typeof kept)[number]): ManageableObject => ({
        kind: 'snapshot',
        name: snapshot.name,
        sizeGiB: inGiB(snapshot.sizeBytes),
        volumeName: name,
      })
      return [volume, ...kept.map(toObject)]
    })
    return objects.flatMap((list) => list ?? [])
  })
}

const inGiB = (bytes: number) => Math.ceil(bytes / gib)

/** Runs `look` on each image, several at once; the result is null for an image that was removed meanwhile. */
async function eachImage<T>(
  pool: Pool,
  names: string[],
  look: (image: Parameters<Parameters<typeof withImage>[3]>[0], name: string) => Promise<T>,
): Promise<(T | null)[]> {
  const results: (T | null)[] = []
  let next = 0
  const worker = async () => {
    while (next < names.length) {
      const at = next++
      const name = names[at]!
      results[at] = await found(withImage(pool, name, { readOnly: true }, (image) => look(image, name)))
    }
  }
  const workers = await Promise.allSettled(Array.from({ length: width }, worker))
  for (const worker of workers) if (worker.status === 'rejected') throw worker.reason
  return results
}

/** Sum of the sizes of everything in the pool, in bytes. */
export async function provisionedBytes(pool: Pool): Promise<number> {
  const names = (await listImages(pool)).map(({ name }) => name)
  const sizes = await eachImage(pool, names, (image) => image.sizeBytes())
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0)
}
