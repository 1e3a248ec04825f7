import { type Context, uuid } from '@hearth/core'
import type { Transaction } from '@hearth/database'
import type { GlanceDeps } from '../../data/deps.ts'
import { within } from '../../data/settings.ts'
import { mayFetch } from '../../data/uri-filter.ts'
import { isWebLocation } from '../../data/web-location.ts'
import { glanceErrors } from '../../model/errors.ts'
import { type Image, type Location, policyTarget } from '../../model/images/image.ts'
import { addLocation, doomLocation, moveImage, writeLocationMetadata } from '../../model/images/store.ts'
import type { Change } from '../images/patch.ts'
import { requireFormats } from '../images/upload.ts'

const bad = (reason: string) => glanceErrors.BadRequest({ reason })

const statuses = new Set(['active', 'queued'])

/** Applies one change of `/locations` to the copy of an image. Off (403) unless showMultipleLocations is on. */
export function applyLocations(
  context: Context,
  image: Image,
  change: Change,
  deps: Pick<GlanceDeps, 'settings'>,
): void {
  if (!deps.settings.showMultipleLocations) {
    throw glanceErrors.Forbidden({
      reason: "It's not allowed to add, replace or remove locations if locations are invisible.",
    })
  }
  if (!statuses.has(image.status)) {
    throw glanceErrors.Conflict({ reason: `It's not allowed to change locations while the image is ${image.status}.` })
  }
  if (change.op === 'remove') removeLocation(context, image, change)
  else {
    context.enforce('set_image_location', policyTarget(image))
    if (change.op === 'replace') replaceLocations(image, change)
    else insertLocation(image, change, deps)
  }
}

/**
 * Only web addresses: others would reach files of the host or objects of other tenants (CVE-2014-9493, CVE-2015-1195).
 */
function insertLocation(image: Image, change: Change, deps: Pick<GlanceDeps, 'settings'>): void {
  const quota = deps.settings.imageLocationQuota
  if (!within(quota, image.locations.length + 1)) {
    const reason = `The limit has been exceeded on the number of allowed image locations. Maximum: ${quota}`
    throw glanceErrors.OverLimit({ reason })
  }
  const { url, metadata, validation } = readLocation(change.value)
  const { webLocations, uriFilter } = deps.settings
  if (!webLocations || !isWebLocation(url) || !mayFetch(url, uriFilter)) throw bad('Invalid location')
  if (image.locations.some((location) => location.url === url)) throw bad('Duplicate location')
  if (validation) applyValidation(image, validation)
  const at = indexOf(change.path[1] ?? '-', image.locations.length)
  image.locations.splice(at, 0, { id: '', store: null, url, metadata: withoutStore(metadata) })
}

interface Validation {
  checksum?: string
  os_hash_algo?: string
  os_hash_value?: string
}

function readLocation(value: unknown): { url: string; metadata: Record<string, unknown>; validation?: Validation } {
  const location = (value ?? {}) as { url?: unknown; metadata?: unknown; validation_data?: Validation }
  const isObject = (each: unknown) => typeof each === 'object' && each !== null && !Array.isArray(each)
  if (!isObject(value) || typeof location.url !== 'string' || !isObject(location.metadata)) {
    throw bad('A location needs a url and metadata')
  }
  return {
    url: location.url,
    metadata: location.metadata as Record<string, unknown>,
    validation: location.validation_data,
  }
}

/** The first validation data become the image's hashes; later ones must be the same. */
function applyValidation(image: Image, validation: Validation): void {
  const { checksum, os_hash_algo: algorithm, os_hash_value: value } = validation
  if (!checksum || !algorithm || !value) throw bad('Validation data must have checksum, os_hash_algo and os_hash_value')
  const known = image.status !== 'queued' || image.hashValue !== null
  const same = checksum === image.checksum && algorithm === image.hashAlgorithm && value === image.hashValue
  if (known && !same) throw glanceErrors.Conflict({ reason: 'Validation data does not match the image' })
  if (algorithm !== 'sha512') throw bad("os_hash_algo must be 'sha512'")
  if (!/^[0-9a-f]{32}$/.test(checksum) || !/^[0-9a-f]{128}$/.test(value)) throw bad('Malformed validation data')
  Object.assign(image, { checksum, hashAlgorithm: algorithm, hashValue: value })
}

function indexOf(text: string, length: number): number {
  if (text === '-') return length
  const index = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(index >= 0 && index <= length)) throw bad(`Invalid position: ${text}`)
  return index
}

function removeLocation(context: Context, image: Image, change: Change): void {
  const at = change.path[1]
  if (at === undefined) throw glanceErrors.Forbidden({ reason: 'Property locations may not be removed.' })
  if (image.locations.length === 1) {
    throw glanceErrors.Forbidden({ reason: 'Cannot remove last location in the image.' })
  }
  const index = indexOf(at, image.locations.length - 1)
  context.enforce(image.locations[index]?.store ? 'delete_image_location' : 'set_image_location', policyTarget(image))
  image.locations.splice(index, 1)
}

/** Only the metadata may differ: another url under the same hashes would be other bytes (OSSN-0065, OSSN-0090). */
function replaceLocations(image: Image, change: Change): void {
  if (!Array.isArray(change.value)) throw bad('Locations must be an array')
  const wanted = change.value.map(readLocation)
  if (wanted.length === 0) throw glanceErrors.Forbidden({ reason: 'Cannot set locations to empty list.' })
  const same = wanted.length === image.locations.length && wanted.every(({ url }, i) => url === image.locations[i]?.url)
  if (!same) throw bad('Locations may be replaced only by themselves with other metadata')
  for (const [index, { metadata }] of wanted.entries()) {
    image.locations[index]!.metadata = withoutStore(metadata)
  }
}

/** Block storage trusts bytes in our stores, so only the service itself sets `store`. */
function withoutStore({ store: _store, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return rest
}

/** Writes what became of the locations; a queued image with a first one becomes active. */
export async function saveLocations(tx: Transaction, before: Image, after: Image): Promise<void> {
  const kept = new Set(after.locations.map((location) => location.id))
  for (const location of before.locations) if (!kept.has(location.id)) await doomLocation(tx, location.id)
  const known = new Map(before.locations.map((location) => [location.id, location]))
  for (const location of after.locations) {
    const old = known.get(location.id)
    if (!old) await addLocation(tx, before.id, { ...location, id: uuid() } as Omit<Location, 'id'>)
    else if (JSON.stringify(old.metadata) !== JSON.stringify(location.metadata)) {
      await writeLocationMetadata(tx, location.id, location.metadata)
    }
  }
  if (before.status !== 'queued' || after.locations.length === 0) return
  requireFormats(after)
  await moveImage(tx, before.id, 'active', { from: 'queued' })
}
