import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError, type SnapshotRef, type VolumeRef } from '@hearth/driver'
import { ifFree } from '../ceph/lease.ts'
import type { Pool } from '../ceph/librados.ts'
import {
  changeImage,
  codeOf,
  countLiveWatchers,
  listImages,
  listTrash,
  moveToTrash,
  type RbdImage,
  removeFromTrash,
  withImage,
} from '../ceph/librbd.ts'
import { ageOf, checkName, isSnapshotName, isUpstreamRemnant, isVolumeName, wholeOf } from '../ceph/naming.ts'
import { finishRename } from '../ceph/renaming.ts'
import { type Backend, found, notFound } from './backend.ts'

const staleMs = 3600_000

/**
 * Deletes a volume: removes its name at once, in one step, and its bytes when no clone needs them, here or in a later
 * sweep. Throws `busy` while a client has the volume open or it has snapshots.
 */
export async function deleteVolume(backend: Backend, volume: VolumeRef): Promise<void> {
  checkName(volume.name)
  return backend.session.use(async (pool) => {
    const imageId = await found(
      withImage(pool, volume.name, { readOnly: true }, (image) => ensureFree(image, volume.name)),
    )
    if (imageId === null) return
    const { deferredDeletion, deletionDelaySeconds } = backend.options
    const discard = () => found(moveToTrash(pool, volume.name, deferredDeletion ? deletionDelaySeconds : 0))
    // The name may come from a rename that a crashed client did not finish.
    if ((await discard()) === null && (await finishRename(pool, imageId, volume.name))) await discard()
    if (!deferredDeletion) await purge(backend, pool, imageId)
  })
}

/** Returns the image's id. Throws `busy` when the volume has snapshots or a client has it open. */
async function ensureFree(image: RbdImage, name: string): Promise<string> {
  const kept = (await image.snapshots()).filter((snapshot) => isSnapshotName(snapshot.name))
  if (kept.length > 0) {
    throw new DriverError(
      'busy',
      `${name} has ${kept.length} snapshots, ${kept[0]!.name} among them: delete them first`,
    )
  }
  await ensureUnused(image, name)
  return image.id()
}

const patience = { tries: 8, pauseMs: 250 }

/**
 * Throws `busy` when a live client has the image open for writing. Other services open it briefly during each
 * operation, so only a client that still has it open after about 2 s counts.
 */
export async function ensureUnused(image: RbdImage, name: string): Promise<void> {
  const { clientId } = image.pool.cluster
  for (let tries = 1; ; tries += 1) {
    const others = (await image.watchers()).filter((watcher) => watcher.clientId !== clientId)
    if (others.length === 0 || (await countLiveWatchers(image.pool, await image.id())) === 0) return
    if (tries >= patience.tries) {
      const addresses = others.map(({ address }) => address).join(', ')
      throw new DriverError('busy', `${name} is open on ${addresses}: detach it there first`)
    }
    await sleep(patience.pauseMs)
  }
}

/** Removes an image from the trash, then those of its ancestors in the trash that no other image needs. */
async function purge(backend: Backend, pool: Pool, imageId: string): Promise<void> {
  for (let next: string | null = imageId; next !== null; ) {
    const id: string = next
    next = null
    try {
      // librbd ends its process when another client takes the lock of an image during its removal (TrimRequest's
      // assertion).
      const parent = await ifFree(pool, { object: 'rbd_trash', kind: 'purge', about: id }, async () => {
        const parent = await found(
          withImage(pool, id, { readOnly: true, byId: true }, (image) => stripped(pool, image)),
        )
        await found(removeFromTrash(pool, id))
        return parent
      })
      if (parent?.trash && parent.poolName === pool.name && (await isDue(pool, parent.imageId))) next = parent.imageId
    } catch (error) {
      if (!['EBUSY', 'ENOTEMPTY', 'ESTALE'].includes(codeOf(error) ?? '')) throw error
      backend.log.debug({ err: error, image: id }, 'an image in the trash is needed by clones')
    }
  }
}

async function isDue(pool: Pool, imageId: string): Promise<boolean> {
  const entry = (await listTrash(pool)).find(({ id }) => id === imageId)
  return entry !== undefined && entry.deferredUntil.getTime() <= Date.now()
}

/** Removes the snapshots that prevent the removal of an image; returns the image's parent. */
async function stripped(pool: Pool, image: RbdImage) {
  const names = (await image.snapshots()).map(({ name }) => name)
  if (names.length > 0) {
    await withImage(pool, await image.id(), { byId: true }, async (writable) => {
      for (const name of names) await found(removeSnapshot(writable, name))
    })
  }
  return image.parent()
}

async function removeSnapshot(image: RbdImage, name: string): Promise<void> {
  if (await image.isProtected(name)) await image.unprotectSnapshot(name)
  await image.removeSnapshot(name)
}

/**
 * Deletes a snapshot. Clones of the second format keep the objects that they need; clones of the first format are
 * flattened before.
 */
export async function deleteSnapshot(backend: Backend, snapshot: SnapshotRef, signal?: AbortSignal): Promise<void> {
  checkName(snapshot.name)
  checkName(snapshot.volume.name)
  return backend.session.use(async (pool) => {
    const work = changeImage(pool, snapshot.volume.name, async (image) => {
      try {
        await removeSnapshot(image, snapshot.name)
      } catch (error) {
        if (codeOf(error) !== 'EBUSY') throw error
        for (const child of await image.children(snapshot.name)) {
          if (signal?.aborted) throw new DriverError('aborted', `Deleting ${snapshot.name} was aborted`)
          const childPool = child.poolName === pool.name ? pool : await backend.session.other(child.poolName)
          await found(withImage(childPool, child.imageId, { byId: true }, (clone) => clone.flatten()))
        }
        await removeSnapshot(image, snapshot.name)
      }
    })
    await found(work)
  })
}

/** Reverts a volume to a snapshot's bytes, and keeps its size. Throws `busy` while a client has it open. */
export async function revert(backend: Backend, snapshot: SnapshotRef, sizeBytes: number): Promise<void> {
  const { name, volume } = snapshot
  checkName(name)
  checkName(volume.name)
  return backend.session.use(async (pool) => {
    const work = async () => {
      await withImage(pool, volume.name, { readOnly: true }, (image) => ensureUnused(image, volume.name))
      await changeImage(pool, volume.name, async (image) => {
        const present = await image.sizeBytes()
        await image.rollback(name)
        await image.grow(Math.max(present, sizeBytes))
      })
      return true
    }
    if (!(await found(work()))) throw notFound(pool, `${volume.name}@${name}`)
  })
}

/** Removes deleted images that are due, and unfinished images that no process works on any more. */
export function sweep(backend: Backend): Promise<void> {
  return backend.session.use(async (pool) => {
    for (const { id, name, deferredUntil } of await listTrash(pool)) {
      const ours = isVolumeName(name) || ageOf(name) !== null || isUpstreamRemnant(name)
      if (ours && deferredUntil.getTime() <= Date.now()) await purge(backend, pool, id)
    }
    for (const { id, name } of await listImages(pool)) {
      const whole = wholeOf(name)
      if (whole !== null && (await finishRename(pool, id, whole))) continue
      if ((ageOf(name) ?? 0) < staleMs) continue
      const watchers = await found(withImage(pool, name, { readOnly: true }, (image) => image.watchers()))
      if (watchers && watchers.length > 0) continue
      backend.log.info({ image: name }, 'sweeping away what a dead process left')
      await found(moveToTrash(pool, name))
      await purge(backend, pool, id)
    }
  })
}
