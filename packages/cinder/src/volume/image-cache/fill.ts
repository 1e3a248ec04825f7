import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { uuid } from '@hearth/core'
import {
  copyBlocks,
  DriverError,
  openBlocks,
  openReserve,
  type Reserve,
  type ServiceSession,
  type VolumeRef,
} from '@hearth/driver'
import type { Backend } from '../../model/backends.ts'
import type { ImageClient } from '../../model/clients/image.ts'
import { openVolumeBlocks } from '../../model/volumes/open-blocks.ts'
import type { ImageSource } from '../../model/volumes/tasks.ts'
import { inspectImage, qemuFormat } from './inspect.ts'
import type { QemuImg } from './qemu-img.ts'
import { writeStream } from './sparse-writer.ts'

const gib = 1024 ** 3

export interface FillDeps {
  images: ImageClient
  session: ServiceSession
  qemu: QemuImg
  workFolder: string
  /** Space that stays free on the disk of that folder; the default rule when absent. */
  reserve?: Reserve
}

/** The volume that an image is written over. */
interface ImageTarget {
  backend: Backend
  volume: VolumeRef
  /** The volume reads as zeros, so zeros need not be written. */
  isZero: boolean
  signal?: AbortSignal
}

/** An image whose size is known and whose bytes can be written to a volume. */
interface PreparedImage {
  /** Size of the image's disk in GiB. */
  sizeGiB: number
  writeTo(target: ImageTarget): Promise<void>
  /** Removes the downloaded file, if there is one. */
  dispose(): Promise<void>
}

/**
 * Prepares an image for writing to a volume. Raw images stream from Glance directly into the volume; others are
 * downloaded and inspected first. Throws DriverError `invalid` for an image that is not allowed, and `no-space`.
 */
export async function prepareImage(image: ImageSource, deps: FillDeps, signal?: AbortSignal): Promise<PreparedImage> {
  if (image.containerFormat === 'compressed') {
    throw new DriverError('invalid', 'compressed images cannot become volumes')
  }
  const format = qemuFormat(image.diskFormat)
  if (format === 'raw' && image.size > 0) {
    return {
      sizeGiB: Math.ceil(image.size / gib),
      writeTo: (target) => streamRaw(image, deps, target),
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
      writeTo: (target) => convert(path, format, deps, target),
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
  const reserve = deps.reserve ?? openReserve()
  await pipeline(data, (source: AsyncIterable<Buffer>) => reserve.within(deps.workFolder, source), file, { signal })
  checkSize(image, file.bytesWritten)
}

function checkSize(image: ImageSource, bytes: number): void {
  if (image.size > 0 && bytes !== image.size) {
    throw new DriverError(
      'unavailable',
      `the download of image ${image.id} ended after ${bytes} of ${image.size} bytes`,
    )
  }
}

async function streamRaw(image: ImageSource, deps: FillDeps, { backend, volume, isZero, signal }: ImageTarget) {
  const data = await deps.images.download(await deps.session.token(), image.id, signal)
  try {
    const blocks = await openVolumeBlocks(backend, volume, 'rw')
    try {
      checkSize(image, await writeStream(blocks, data, isZero))
    } finally {
      await blocks.close()
    }
  } catch (error) {
    throw asDriverError(error)
  } finally {
    data.destroy()
  }
}

/** Converts a download into the volume: by qemu-img if it can open the volume, else by copying blocks. */
async function convert(path: string, format: string, deps: FillDeps, target: ImageTarget): Promise<void> {
  const { backend, volume, isZero, signal } = target
  const { volume: driver, isRemote } = backend
  if (driver.address && !isRemote) {
    const address = await driver.address(volume)
    return deps.qemu.convertInto({ filename: path, format }, { ...address, isZero }, signal)
  }
  const source = await openBlocks({ filename: path, format: format as 'raw' }, { mode: 'r' })
  try {
    const blocks = await openVolumeBlocks(backend, volume, 'rw')
    await copyBlocks(source, blocks, { targetIsZero: isZero, ...(signal && { signal }) }).finally(() => blocks.close())
  } finally {
    await source.close()
  }
}

/** Returns DriverError `no-space` for a full disk of this host, and other errors unchanged. */
function asDriverError(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOSPC' || code === 'EDQUOT') return new DriverError('no-space', 'no space left for the image', error)
  return error
}
