import { errors } from '../../model/errors.ts'
import type { VolumeType } from '../../model/types/store.ts'
import type { Source } from './source.ts'

/** Returns the size of a new volume in GiB: as requested, else the source's. Throws InvalidInput (400). */
export function readSize(wanted: number | string | null | undefined, source: Source, max: number): number {
  if ((wanted === null || wanted === undefined) && source.kind !== 'blank' && source.kind !== 'image')
    return source.sizeGiB
  const size = Number(wanted ?? Number.NaN)
  if (!Number.isInteger(size) || size <= 0) {
    const shown = wanted === undefined || wanted === null ? 'None' : wanted
    throw errors.InvalidInput({ reason: `Volume size '${shown}' must be an integer and greater than 0` })
  }
  if (size > max) throw errors.InvalidInput({ reason: `Volume size ${size}G exceeds the largest size, ${max}G` })
  checkAgainstSource(size, source)
  return size
}

function checkAgainstSource(size: number, source: Source): void {
  if (source.kind === 'image') {
    if (size < source.sizeGiB) {
      throw errors.InvalidInput({
        reason: `Size of specified image ${source.sizeGiB}GB is larger than volume size ${size}GB.`,
      })
    }
    const minDisk = source.image?.min_disk ?? 0
    if (size < minDisk) {
      throw errors.InvalidInput({
        reason: `Volume size ${size}GB cannot be smaller than the image minDisk size ${minDisk}GB.`,
      })
    }
  } else if (size < source.sizeGiB) {
    const words = { snapshot: 'snapshot size', volume: 'original volume size', backup: 'backup size', blank: '' }
    throw errors.InvalidInput({
      reason: `Volume size '${size}'GB cannot be smaller than the ${words[source.kind]} ${source.sizeGiB}GB. They must be >= ${words[source.kind]}.`,
    })
  }
}

/**
 * Throws InvalidInput (400) unless the size is within the type's extra specs `provisioning:min_vol_size` and
 * `provisioning:max_vol_size`.
 */
export function checkTypeSize(type: VolumeType, sizeGiB: number): void {
  const min = Number(type.extraSpecs['provisioning:min_vol_size'] ?? Number.NaN)
  const max = Number(type.extraSpecs['provisioning:max_vol_size'] ?? Number.NaN)
  if (sizeGiB < min) {
    throw errors.InvalidInput({
      reason: `Specified volume size of '${sizeGiB}' is less than the minimum required size of '${min}' for volume type '${type.name}'.`,
    })
  }
  if (sizeGiB > max) {
    throw errors.InvalidInput({
      reason: `Specified volume size of '${sizeGiB}' is greater than the maximum required size of '${max}' for volume type '${type.name}'.`,
    })
  }
}
