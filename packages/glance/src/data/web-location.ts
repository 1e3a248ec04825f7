import type { Readable } from 'node:stream'
import { DriverError } from '@hearth/driver'
import type { UriFilter } from './uri-filter.ts'
import { openWebSource } from './web-source.ts'

/** Returns true for a plain web address, which is in none of our stores. */
export const isWebLocation = (url: string): boolean => /^https?:\/\//.test(url)

/** Reads a registered web address, under the same filter as downloads. Throws DriverError `not-found`. */
export async function readWebLocation(
  url: string,
  filter: UriFilter,
  range?: { offset: number; length: number },
): Promise<Readable> {
  if (range) throw new DriverError('unsupported', 'web locations are read as a whole only')
  return openWebSource(url, filter).catch((cause: unknown) => {
    throw new DriverError('not-found', `${url} cannot be read`, cause)
  })
}
