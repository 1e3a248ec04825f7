import { type Blocks, DriverError, type DriverLog, type WholeBackup, type WholeBackups } from '@hearth/driver'
import type { Pool } from '../ceph/librados.ts'
import { changeImage, codeOf, createImage, listImages, openImage, type RbdImage, withImage } from '../ceph/librbd.ts'
import type { PoolConnection } from '../ceph/pool-connection.ts'
import { discard } from '../image/removal.ts'
import { copyChanges } from './copy.ts'
import { parseRbdAddress, type RbdPlace, type Sources } from './source.ts'

interface Deps {
  connection: PoolConnection
  sources: Sources
  log: DriverLog
}

const markOf = (backupId: string): string => `backup.${backupId}.snap.`
const baseOf = ({ volumeId, id }: WholeBackup): string => `volume-${volumeId}.backup.${id}`
const isBaseOf = (name: string, volumeId: string): boolean => name.startsWith(`volume-${volumeId}.backup.`)

/**
 * Stores volumes as images of the backup pool, with the names and snapshots of upstream's Ceph driver: a full backup is
 * the image `volume-<volume>.backup.<backup>`; each further backup is a snapshot `backup.<backup>.snap.<time>` of that
 * image. The source volume has the same snapshot.
 */
export function openWholeBackups(deps: Deps): WholeBackups {
  return {
    async save(backup, source, { parentId, signal }) {
      const place = parseRbdAddress(source)
      if (!place) return null
      const [from, to] = [await deps.sources.pool(place), await deps.connection.pool()]
      const snapshot = place.snapshot ?? (await markSource(from, place.image, backup.id))
      const parent = parentId === null || place.snapshot ? null : await findParent(from, place, to, backup, parentId)
      const target = parent ?? { base: baseOf(backup), snapshot: null }
      const work = { from, place, snapshot, to, target, backup, ...(signal ? { signal } : {}) }
      if (!(await findSnapshot(to, target.base, backup.id))) await fill(work, deps.log)
      return { metadata: JSON.stringify({ base: target.base }), incremental: parent !== null }
    },
    async open(backup, metadata) {
      const pool = await deps.connection.pool()
      const { base } = JSON.parse(metadata) as { base?: unknown }
      const name = typeof base === 'string' && isBaseOf(base, backup.volumeId) ? base : baseOf(backup)
      const snapshot = await findSnapshot(pool, name, backup.id)
      if (!snapshot) throw new DriverError('not-found', `Backup ${backup.id} is not in ${pool.name}/${name}`)
      return openSaved(await openImage(pool, name, { snapshot, readOnly: true }))
    },
    async delete(backup, source) {
      const place = source && parseRbdAddress(source)
      if (place && !place.snapshot) await dropMarks(await deps.sources.pool(place), place.image, backup.id)
      const pool = await deps.connection.pool()
      for (const { name } of await listImages(pool)) {
        if (isBaseOf(name, backup.volumeId)) await drop(pool, name, backup, deps.log)
      }
    },
  }
}

/** Returns the snapshot of the volume to save; creates it once, even when the backup is started again. */
async function markSource(pool: Pool, image: string, backupId: string): Promise<string> {
  const known = await findSnapshot(pool, image, backupId)
  if (known) return known
  const name = `${markOf(backupId)}${Math.floor(Date.now() / 1000)}`
  await changeImage(pool, image, (open) => open.createSnapshot(name))
  return name
}

/** Finds the image for the differences: the source and the image must still have the parent's snapshot. Else null. */
async function findParent(from: Pool, place: RbdPlace, to: Pool, { volumeId }: WholeBackup, parentId: string) {
  const snapshot = await findSnapshot(from, place.image, parentId)
  if (!snapshot) return null
  for (const { name } of await listImages(to)) {
    if (!isBaseOf(name, volumeId)) continue
    if ((await findSnapshot(to, name, parentId)) === snapshot) return { base: name, snapshot }
  }
  return null
}

/** Finds a backup's snapshot of an image; null when the snapshot or the image does not exist. */
async function findSnapshot(pool: Pool, image: string, backupId: string): Promise<string | null> {
  const names = await gone(withImage(pool, image, { readOnly: true }, (open) => open.snapshots()))
  return names?.find(({ name }) => name.startsWith(markOf(backupId)))?.name ?? null
}

interface Fill {
  from: Pool
  place: RbdPlace
  /** Name of the snapshot on the source volume. */
  snapshot: string
  to: Pool
  /** `snapshot` is the parent backup's; null for a full backup, which starts empty. */
  target: { base: string; snapshot: string | null }
  backup: WholeBackup
  signal?: AbortSignal
}

async function fill({ from, place, snapshot, to, target, backup, signal }: Fill, log: DriverLog): Promise<void> {
  await withImage(from, place.image, { snapshot, readOnly: true }, async (source) => {
    const size = await source.sizeBytes()
    if (target.snapshot === null) {
      // An earlier attempt may have left this image with the bytes of another time.
      await discard(to, target.base, log)
      await createImage(to, target.base, size)
    }
    await withImage(to, target.base, {}, async (image) => {
      if (target.snapshot !== null) await takeBack(image, target.snapshot)
      await image.grow(size)
      await image.flush()
      await copyChanges(source, image, target.snapshot, signal)
      const name = place.snapshot ? `${markOf(backup.id)}${Math.floor(Date.now() / 1000)}` : snapshot
      await image.createSnapshot(name)
    })
  })
}

/**
 * Reverts an image to the parent backup's snapshot, because differences apply only to its bytes: a later backup that
 * failed or was deleted may have changed them.
 */
async function takeBack(image: RbdImage, snapshot: string): Promise<void> {
  const { id, sizeBytes } = (await image.snapshots()).find(({ name }) => name === snapshot)!
  const newest = (await image.snapshots()).every((other) => other.id <= id)
  const same = newest && sizeBytes === (await image.sizeBytes()) && (await image.diff(snapshot)).length === 0
  if (!same) await image.rollback(snapshot)
}

/** Removes one backup from an image; removes the image with its last backup. */
async function drop(pool: Pool, name: string, backup: WholeBackup, log: DriverLog): Promise<void> {
  const snapshots = await gone(withImage(pool, name, { readOnly: true }, (image) => image.snapshots()))
  if (!snapshots) return
  const others = snapshots.filter((snapshot) => !snapshot.name.startsWith(markOf(backup.id)))
  const isMine = name === baseOf(backup) || others.length < snapshots.length
  if (!isMine) return
  if (others.length === 0) await discard(pool, name, log)
  else await dropMarks(pool, name, backup.id)
}

async function dropMarks(pool: Pool, name: string, backupId: string): Promise<void> {
  if (!(await findSnapshot(pool, name, backupId))) return
  await withImage(pool, name, {}, async (image) => {
    for (const { name: snapshot } of await image.snapshots()) {
      if (snapshot.startsWith(markOf(backupId))) await gone(image.removeSnapshot(snapshot))
    }
  })
}

function gone<T>(work: Promise<T>): Promise<T | null> {
  return work.catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  })
}

async function openSaved(image: RbdImage): Promise<Blocks> {
  const sizeBytes = await image.sizeBytes()
  const refuse = async () => {
    throw new DriverError('invalid', 'A backup is open for reading only')
  }
  return {
    sizeBytes,
    read: (offset, into) => image.read(offset, into),
    write: refuse,
    zero: refuse,
    flush: async () => undefined,
    async *extents(signal) {
      for (const { offset, length, exists } of await image.diff(null, { signal })) if (exists) yield { offset, length }
    },
    close: () => image.close(),
  }
}
