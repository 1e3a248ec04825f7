import { DriverError, type ModelUpdate, type ServiceSession, type VolumeDriver, type VolumeRef } from '@hearth/driver'
import type { ImageClient } from '../../model/clients/image.ts'
import type { ImageSource } from '../../model/volumes/tasks.ts'

const gib = 1024 ** 3

interface DirectDeps {
  images: Pick<ImageClient, 'locations'>
  session: Pick<ServiceSession, 'token'>
  driver: Pick<VolumeDriver, 'cloneImage'>
}

/**
 * Creates the volume of a raw image as a clone of the image in the image store, without copying bytes. Returns null if
 * that is not possible, so that the caller copies the image. Throws DriverError `invalid` for a volume smaller than its
 * image.
 */
export async function cloneFromStore(
  volume: VolumeRef,
  image: ImageSource,
  { images, session, driver }: DirectDeps,
  signal?: AbortSignal,
): Promise<ModelUpdate | null> {
  if (!driver.cloneImage || image.diskFormat !== 'raw' || image.containerFormat !== 'bare') return null
  const locations = await images.locations(await session.token(), image.id)
  if (locations.length === 0) return null
  checkFits(Math.ceil(image.size / gib), volume)
  return driver.cloneImage(volume, { id: image.id, diskFormat: image.diskFormat, locations }, signal)
}

/** Throws DriverError `invalid` if the volume is smaller than the image needs. */
export function checkFits(neededGiB: number, volume: VolumeRef): void {
  if (neededGiB <= volume.sizeGiB) return
  throw new DriverError('invalid', `the image needs ${neededGiB} GiB, the volume has ${volume.sizeGiB}`)
}
