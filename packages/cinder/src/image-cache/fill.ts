import { createWriteStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { uuid } from '@hearth/core'
import { type Address, DriverError, type ServiceSession } from '@hearth/driver'
import type { ImageClient } from '../clients/image.ts'
import { inspectImage, qemuFormat } from './inspect.ts'
import type { QemuImg } from './qemu-img.ts'
import { writeSparse } from './sparse-writer.ts'

const gib = 1024 ** 3

/** What is known of an image when a volume is asked for. */
export interface ImageSource {
  id: string
  checksum: string
  diskFormat: string
  containerFormat: string
  /** Bytes to download; 0 when unknown. */
  size: number
}

export interface FillDeps {
  images: ImageClient
  session: ServiceSession
  qemu: QemuImg
  workFolder: string
}

/** An image on its way into a volume, its size known and its bytes not yet in place. */
export interface PreparedImage {
  /** GiB its disk needs. */
  sizeGiB: number
  /** Writes the disk over a volume that reads as zeros. */
  writeTo(address: Address, isZero: boolean, signal?: AbortSignal): Promise<void>
  /** Removes the download. */
  dispose(): Promise<void>
}

/**
 * Gets an image ready to be written into a volume: raw ones stream from Glance straight into place, others are downloaded
 * and inspected first. Throws DriverError `invalid` for what must not be used and `no-space`.
 */
export async function prepareImage(image: ImageSource, deps: FillDeps, signal?: AbortSignal): Promise<PreparedImage> {
  if (image.containerFormat === 'compressed') {
    throw new DriverError('invalid', 'compressed images cannot become volumes')
  }
  const format = qemuFormat(image.diskFormat)
  if (format === 'raw' && image.size > 0) {
    return {
      sizeGiB: Math.ceil(image.size / gib),
      writeTo: (address, isZero, stop) => streamRaw(image, deps, address, isZero, stop),
      dispose: async () => undefined,
    }
  }
  const path = join(deps.workFolder, `image-${uuid()}.part`)
  const dispose = () => rm(path, { force: true })
  try {
    await download(image, deps, path, signal)
    await inspectImage(path, format)
    const virtualSize = await deps.qemu.virtualSize(path, format)
    return {
      sizeGiB: Math.ceil(virtualSize / gib),
      writeTo: (address, isZero, stop) =>
        deps.qemu.convertInto({ filename: path, format }, { ...address, isZero }, stop),
      dispose,
    }
  } catch (error) {
    await dispose()
    throw asDriverError(error)
  }
}

async function download(image: ImageSource, deps: FillDeps, path: string, signal?: AbortSignal): Promise<void> {
  const data = await deps.images.download(await deps.session.token(), image.id, signal)
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600, highWaterMark: 4 * 1024 * 1024 })
  await pipeline(data, file, { signal })
  checkSize(image, file.bytesWritten)
}

function checkSize(image: ImageSource, bytes: number): void {
  if (image.size > 0 && bytes !== image.size) {
    throw new DriverError('unavailable', `image ${image.id} broke off after ${bytes} of ${image.size} bytes`)
  }
}

async function streamRaw(
  image: ImageSource,
  deps: FillDeps,
  address: Address,
  isZero: boolean,
  signal?: AbortSignal,
): Promise<void> {
  if (!isZero || address.format !== 'raw' || !address.filename.startsWith('/')) {
    return convertRaw(image, deps, address, isZero, signal)
  }
  try {
    const data = await deps.images.download(await deps.session.token(), image.id, signal)
    const file = await open(address.filename, 'r+')
    try {
      checkSize(image, await writeSparse(file, data))
      await file.datasync()
    } finally {
      data.destroy()
      await file.close()
    }
  } catch (error) {
    throw asDriverError(error)
  }
}

/** For volumes that are no local files, or hold old bytes. */
async function convertRaw(
  image: ImageSource,
  deps: FillDeps,
  address: Address,
  isZero: boolean,
  signal?: AbortSignal,
): Promise<void> {
  const path = join(deps.workFolder, `image-${uuid()}.part`)
  try {
    await download(image, deps, path, signal)
    await deps.qemu.convertInto({ filename: path, format: 'raw' }, { ...address, isZero }, signal)
  } catch (error) {
    throw asDriverError(error)
  } finally {
    await rm(path, { force: true })
  }
}

/** ENOSPC on this host is the backend's `no-space`; other errors stay what they are. */
function asDriverError(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOSPC' || code === 'EDQUOT') return new DriverError('no-space', 'no space left for the image', error)
  return error
}
