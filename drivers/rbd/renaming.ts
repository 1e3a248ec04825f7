import { whenFree } from './lease.ts'
import type { Pool } from './librados.ts'
import { call, codeOf } from './library.ts'
import { listImages } from './librbd.ts'

/**
 * librbd renames in three steps: the new name's object, the directory, the old name's object. A client that dies after the
 * first leaves an image with two names, of which the directory knows the old one.
 */
const idObject = (name: string) => `rbd_id.${name}`
const directory = 'rbd_directory'
const longestId = 256

/** The id that a name leads to, without opening the image; null for a name that is free, or an image of the first format. */
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
 * A name is never there twice or not at all; `to` must be one that nobody gives to an image but by this function. Code `EEXIST`
 * when it is taken, `ENOENT` when `from` is not there.
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
 * Takes the steps that a dead client did not come to, and may itself die between them: false when the image is not on its way
 * to the name `to`.
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

/** As Ceph encodes strings: each after its length. */
function encoded(...texts: string[]): Buffer {
  return Buffer.concat(
    texts.flatMap((text) => {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(Buffer.byteLength(text))
      return [length, Buffer.from(text)]
    }),
  )
}

/** The directory knows neither the name nor, under another, the image. */
async function leadsNowhere(pool: Pool, name: string): Promise<boolean> {
  const id = await idOf(pool, name)
  return !(await listImages(pool)).some((one) => one.name === name || one.id === id)
}

/** Of two clients that rename to one name at once librbd tells both that they did, and keeps a name that leads nowhere. */
function exclusively<T>(pool: Pool, name: string, work: () => Promise<T>): Promise<T> {
  return whenFree(pool, { object: directory, kind: 'name', about: name }, work)
}

async function rename(pool: Pool, from: string, to: string): Promise<void> {
  await call('rbd_rename', [pool.handle, from, to], `renaming image ${pool.name}/${from} to ${to}`)
}
