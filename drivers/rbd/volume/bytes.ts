import { type Blocks, DriverError, type Extent, type SnapshotRef, type VolumeRef } from '@hearth/driver'
import { codeOf, openImage, type RbdImage } from '../ceph/librbd.ts'
import { checkName } from '../ceph/naming.ts'
import { type Backend, notFound } from './backend.ts'

/** Bytes of the volume per request for extents: bounds memory, and the time until an abort takes effect. */
const window = 64 * 1024 ** 3

/**
 * Opens the bytes of a volume. With mode `rw` its first write requests the image's lock from the client that holds it.
 */
export async function openVolumeBytes(backend: Backend, volume: VolumeRef, mode: 'r' | 'rw'): Promise<Blocks> {
  checkName(volume.name)
  return openBytes(backend, { name: volume.name, readOnly: mode === 'r' })
}

/** Opens the bytes of a snapshot, for reading only. Throws `not-found`. */
export async function openSnapshotBytes(backend: Backend, { name, volume }: SnapshotRef): Promise<Blocks> {
  checkName(name)
  checkName(volume.name)
  return openBytes(backend, { name: volume.name, snapshot: name, readOnly: true })
}

async function openBytes(
  { session }: Backend,
  what: { name: string; snapshot?: string; readOnly: boolean },
): Promise<Blocks> {
  const { pool, release } = await session.hold()
  const full = what.snapshot === undefined ? what.name : `${what.name}@${what.snapshot}`
  let image: RbdImage | undefined
  try {
    image = await openImage(pool, what.name, what)
    const sizeBytes = await image.sizeBytes()
    // Until the first flush the library does not gather writes, in case its user never flushes.
    if (!what.readOnly) await image.flush()
    return blocksOf(image, { full, sizeBytes, readOnly: what.readOnly, release })
  } catch (error) {
    await image?.close()
    release()
    throw codeOf(error) === 'ENOENT' ? notFound(pool, full) : error
  }
}

function blocksOf(
  image: RbdImage,
  { full, sizeBytes, readOnly, release }: { full: string; sizeBytes: number; readOnly: boolean; release(): void },
): Blocks {
  let closing: Promise<void> | undefined
  const flights = new Set<Promise<void>>()
  const fly = (offset: number, length: number, work: () => Promise<void>): Promise<void> => {
    if (closing) return Promise.reject(new DriverError('invalid', `${full} is closed`))
    if (!Number.isSafeInteger(offset) || offset < 0 || length < 0 || offset + length > sizeBytes) {
      const range = `[${offset}, ${offset + length})`
      return Promise.reject(new DriverError('invalid', `${range} is not inside the ${sizeBytes} bytes of ${full}`))
    }
    if (length === 0) return Promise.resolve()
    const flight = work().finally(() => flights.delete(flight))
    flights.add(flight)
    return flight
  }
  const writing = (offset: number, length: number, work: () => Promise<void>) =>
    readOnly
      ? Promise.reject(new DriverError('invalid', `${full} is open for reading only`))
      : fly(offset, length, work)
  return {
    sizeBytes,
    read: (offset, into) => fly(offset, into.length, () => image.read(offset, into)),
    write: (offset, data) => writing(offset, data.length, () => image.write(offset, data)),
    zero: (offset, length) => writing(offset, length, () => image.zero(offset, length)),
    flush: async () => {
      if (!readOnly) await fly(0, sizeBytes, () => image.flush())
    },
    extents: (signal) => extentsOf(image, sizeBytes, signal),
    close() {
      closing ??= (async () => {
        await Promise.allSettled(flights)
        try {
          await image.close()
        } finally {
          release()
        }
      })()
      return closing
    },
  }
}

async function* extentsOf(image: RbdImage, sizeBytes: number, signal?: AbortSignal): AsyncIterable<Extent> {
  for (let offset = 0; offset < sizeBytes; offset += window) {
    if (signal?.aborted) throw new DriverError('aborted', 'Looking for extents was aborted')
    const length = Math.min(window, sizeBytes - offset)
    for (const extent of await image.diff(null, { offset, length, wholeObject: true })) {
      if (extent.exists) yield { offset: extent.offset, length: Math.min(extent.length, sizeBytes - extent.offset) }
    }
  }
}
