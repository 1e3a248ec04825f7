import { randomFillSync } from 'node:crypto'
import { Readable } from 'node:stream'
import { CloudError, type Session } from './session.ts'

export interface Image {
  id: string
  name: string
  /** Smallest size, in GiB, of a volume made from this image. */
  minDiskGiB: number
}

/** Returns the image with this id, else the only one with this name. Throws a CloudError when none or several match. */
export async function findImage(session: Session, idOrName: string): Promise<Image> {
  const direct = await session.call('image', 'GET', `/images/${encodeURIComponent(idOrName)}`, { allow: [400, 404] })
  if (direct.status === 200) return imageOf(direct.json<ImageRecord>())
  const named = await session.call('image', 'GET', `/images?name=${encodeURIComponent(idOrName)}`)
  const { images } = named.json<{ images: ImageRecord[] }>()
  if (images.length === 1) return imageOf(images[0]!)
  const problem = images.length === 0 ? 'no image' : `${images.length} images`
  throw new CloudError(`${problem} named ${idOrName}: give the id`, 404)
}

interface ImageRecord {
  id: string
  name: string
  min_disk: number
  size: number | null
  virtual_size: number | null
}

const gib = 1024 ** 3

function imageOf(record: ImageRecord): Image {
  const bytes = record.virtual_size ?? record.size ?? 0
  return { id: record.id, name: record.name, minDiskGiB: Math.max(record.min_disk, Math.ceil(bytes / gib), 1) }
}

/** Uploads a raw image of random bytes, so that compression and sparse files make no cloud faster. */
export async function uploadRandomImage(session: Session, name: string, mebibytes: number): Promise<Image> {
  const created = await session.call('image', 'POST', '/images', {
    json: { name, disk_format: 'raw', container_format: 'bare' },
  })
  const image = imageOf(created.json<ImageRecord>())
  try {
    await session.call('image', 'PUT', `/images/${image.id}/file`, {
      body: Readable.from(randomMebibytes(mebibytes)),
      headers: { 'content-type': 'application/octet-stream', 'content-length': String(mebibytes * 1024 ** 2) },
    })
  } catch (error) {
    await deleteImage(session, image.id)
    throw error
  }
  return { ...image, minDiskGiB: Math.ceil(mebibytes / 1024) }
}

async function* randomMebibytes(count: number): AsyncGenerator<Buffer> {
  for (let index = 0; index < count; index++) yield randomFillSync(Buffer.allocUnsafe(1024 ** 2))
}

/** Deletes an image; succeeds when it does not exist. */
export async function deleteImage(session: Session, id: string): Promise<void> {
  await session.call('image', 'DELETE', `/images/${id}`, { allow: [404] })
}
