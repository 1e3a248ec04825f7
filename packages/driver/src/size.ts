import { DriverError } from './errors.ts'

const gib = 1024 ** 3

/** Converts a requested size in GiB to bytes. Throws DriverError `invalid` unless it is a whole number above zero. */
export function bytesOfGiB(sizeGiB: number, name: string): number {
  if (Number.isSafeInteger(sizeGiB * gib) && Number.isInteger(sizeGiB) && sizeGiB > 0) return sizeGiB * gib
  throw new DriverError('invalid', `${name} cannot have ${sizeGiB} GiB: a size is a whole number of GiB, one at least`)
}
