import { whenFree } from './lease.ts'
import type { Pool } from './librados.ts'
import { call, codeOf } from './library.ts'
import { listImages } from './librbd.ts'

/**
 * librbd renames in three steps: it writes the object of the new name, changes the directory, and removes the object of
 * the old name. A client that dies after the first step leaves an image with two names; the directory lists the old
 * one.
 */
const idObject = (name: string) => `rbd_id.${name}`
const directory = 'rbd_directory'
const longestId = 256

/**
 * Returns the id of the image `name` without opening it; null when the name is free or the image has the first format.
 */
export async function idOf(pool: Pool, name: string): Promise<string | null> {
  const memory = Buffer.alloc(longestId)
  try {
    const length = await pool.readObject(idObject(name), memory)
    return length < 4 ? '' : memory.toString('latin1', 4, Math.min(length, 4 + memory.readUInt32LE(0)))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

/**
 * Renames an image: readers always find exactly one of the two names. Only this function may create images named `to`.
 * Throws code `EEXIST` when `to` is taken, `ENOENT` when `from` does not exist.
 */
export function renameImage(pool: Pool, from: string, to: string): Promise<void> {
  return exclusively(pool, to, async () => {
    try {
      await rename(pool, from, to)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST' || !(await leadsNowhere(pool, to))) throw error
      await pool.removeObject(idObject(to))
      await rename(pool, from, to)
    }
  })
}

/**
 * Completes a rename that a crashed client left half done; it may itself be interrupted between the steps. Returns
 * false when the image is not being renamed to `to`.
 */
export async function finishRename(pool: Pool, imageId: string, to: string): Promise<boolean> {
  if ((await idOf(pool, to)) !== imageId) return false
  return exclusively(pool, to, async () => {
    const listed = (await listImages(pool)).find(({ id }) => id === imageId)
    if (!listed || listed.name === to || (await idOf(pool, to)) !== imageId) return false
    const about = `finishing the renaming of image ${pool.name}/${listed.name} to ${to}`
    const given = encoded(listed.name, to, imageId)
    await call('rados_exec', [pool.handle, directory, 'rbd', 'dir_rename_image', given, given.length, null, 0], about)
    await pool.removeObject(idObject(listed.name))
    return true
  })
}

/** Encodes strings as Ceph does: the length (32 bits, little-endian), then the bytes. */
function encoded(...texts: string[]): Buffer {
  return Buffer.concat(
    texts.flatMap((text) => {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(Buffer.byteLength(text))
      return [length, Buffer.from(text)]
    }),
  )
}

/** True when the pool's directory does not list this name, and does not list its image under another name. */
async function leadsNowhere(pool: Pool, name: string): Promise<boolean> {
  const id = await idOf(pool, name)
  return !(await listImages(pool)).some((one) => one.name === name || one.id === id)
}

/**
 * Runs `work` under the lease of `name`. Without it, when two clients rename to one name at once, librbd reports
 * success to both and leaves a name without an image.
 */
function exclusively<T>(pool: Pool, name: string, work: () => Promise<T>): Promise<T> {
  return whenFree(pool, { object: directory, kind: 'name', about: name }, work)
}

async function rename(pool: Pool, from: string, to: string): Promise<void> {
  await call('rbd_rename', [pool.handle, from, to], `renaming image ${pool.name}/${from} to ${to}`)
}
