import { own, uuid } from '@hearth/core'
import { insertIfAbsent, move, type Query, type Transaction } from '@hearth/database'
import type { Image, Location } from './image.ts'
import { imageStates } from './states.ts'

const columns: Record<string, string> = {
  id: 'id',
  name: 'name',
  status: 'status',
  visibility: 'visibility',
  protected: 'protected',
  hidden: 'hidden',
  checksum: 'checksum',
  hashAlgorithm: 'hash_algorithm',
  hashValue: 'hash_value',
  owner: 'owner',
  size: 'size',
  virtualSize: 'virtual_size',
  containerFormat: 'container_format',
  diskFormat: 'disk_format',
  minRam: 'min_ram',
  minDisk: 'min_disk',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  revision: 'revision',
}

type Row = Record<string, unknown>

/** Returns the columns of an image's fields. */
function toRow(image: Partial<Image>): Row {
  const given: Row = { ...image }
  const known = Object.entries(columns).filter(([key]) => Object.hasOwn(given, key))
  return Object.fromEntries(known.map(([key, column]) => [column, own(given, key)]))
}

function fromRow(row: Row): Image {
  const fields = Object.entries(columns).map(([key, column]) => [key, own(row, column) ?? null])
  const image: Row = { tags: [], properties: new Map(), locations: [], ...Object.fromEntries(fields) }
  image.protected = Boolean(row.protected)
  image.hidden = Boolean(row.hidden)
  return image as unknown as Image
}

/** Completes rows of `images` with their tags, properties and locations, in their order. */
export async function assemble(query: Query, rows: Row[]): Promise<Image[]> {
  const images = new Map(rows.map((row) => [String(row.id), fromRow(row)]))
  const ids = [...images.keys()]
  if (ids.length === 0) return []
  for (const row of await query('image_tags').whereIn('image_id', ids).orderBy('value')) {
    images.get(row.image_id)?.tags.push(row.value)
  }
  for (const row of await query('image_properties').whereIn('image_id', ids)) {
    images.get(row.image_id)!.properties.set(row.name, row.value)
  }
  const locations = query('image_locations').whereIn('image_id', ids).where('state', 'active').orderBy('position')
  for (const row of await locations) images.get(row.image_id)?.locations.push(toLocation(row))
  return [...images.values()]
}

function toLocation(row: Row): Location {
  return {
    id: String(row.id),
    store: (row.store as string | null) ?? null,
    url: String(row.url),
    metadata: JSON.parse(String(row.metadata)) as Record<string, unknown>,
  }
}

/** Null for an id that is unknown or deleted. */
export async function findImage(query: Query, id: string): Promise<Image | null> {
  const rows: Row[] = await query('images').where({ id }).whereNull('deleted_at')
  return (await assemble(query, rows))[0] ?? null
}

/** Inserts a new image. False when the id was ever given before. */
export async function insertImage(tx: Transaction, image: Image): Promise<boolean> {
  if (await tx('images').where({ id: image.id }).first()) return false
  await tx('images').insert(toRow(image))
  await writeTags(tx, image.id, image.tags)
  await writeProperties(tx, image.id, image.properties)
  return true
}

/** Writes the columns given where `revision` is still what the caller read, and bumps it. False when it is not. */
export async function updateImage(tx: Transaction, image: Image, changes: Partial<Image>): Promise<boolean> {
  const touched: number = await tx('images')
    .where({ id: image.id, revision: image.revision, status: image.status })
    .whereNull('deleted_at')
    .update({ ...toRow(changes), updated_at: Date.now(), revision: image.revision + 1 })
  return touched > 0
}

/** Moves the status; `set` in the words of Image, `worker` as columns. */
export async function moveImage(
  tx: Query,
  id: string,
  to: string,
  options: { from?: string | readonly string[]; set?: Partial<Image>; worker?: Worker | null } = {},
): Promise<boolean> {
  const worker = options.worker === undefined ? {} : workerColumns(options.worker)
  return move(tx, {
    table: 'images',
    id,
    to,
    states: imageStates,
    from: options.from,
    set: { ...toRow(options.set ?? {}), ...worker },
  })
}

/** Process that transfers bytes for an image, and their store. */
interface Worker {
  name: string
  store: string
}

function workerColumns(worker: Worker | null): Row {
  if (!worker) return { worker: null, worker_store: null, worker_seen_at: null }
  return { worker: worker.name, worker_store: worker.store, worker_seen_at: Date.now() }
}

/** Records that no process transfers bytes for the image any more. */
export async function releaseWorker(query: Query, id: string): Promise<void> {
  await query('images').where({ id }).update(workerColumns(null))
}

/** Notes how many bytes are staged. */
export async function writeSize(query: Query, id: string, size: number): Promise<void> {
  await query('images').where({ id }).update({ size })
}

/** Writes facts about an image's bytes that were found after it was registered. */
export async function writeLearnt(query: Query, id: string, learnt: Partial<Image>): Promise<void> {
  await query('images').where({ id }).update(toRow(learnt))
}

/** A sign of life for all images this worker has in hand. */
export async function touchWorker(query: Query, name: string): Promise<void> {
  const busy = ['saving', 'uploading', 'importing']
  await query('images').where({ worker: name }).whereIn('status', busy).update({ worker_seen_at: Date.now() })
}

interface Abandoned {
  id: string
  status: string
  worker: string
  worker_store: string
}

/** Gives what `name` has in hand to `heir`, so that its signs of life no longer count for it. */
export async function disinherit(query: Query, name: string, heir: string): Promise<void> {
  await query('images').where({ worker: name }).update({ worker: heir })
}

/**
 * Returns images whose worker is `name`, or was last seen before `before`. Includes deleted images, whose bytes may
 * still exist.
 */
export async function findAbandoned(query: Query, name: string, before: number): Promise<Abandoned[]> {
  return query('images')
    .whereNotNull('worker')
    .andWhere((either) => either.where('worker_seen_at', '<', before).orWhere('worker', name))
    .select('id', 'status', 'worker', 'worker_store')
}

/** Replaces the tags of an image. */
export async function writeTags(tx: Transaction, imageId: string, tags: readonly string[]): Promise<void> {
  await tx('image_tags').where({ image_id: imageId }).delete()
  for (const value of tags) await tx('image_tags').insert({ image_id: imageId, value })
}

/** Replaces the custom properties of an image. */
export async function writeProperties(
  tx: Transaction,
  imageId: string,
  properties: Image['properties'],
): Promise<void> {
  await tx('image_properties').where({ image_id: imageId }).delete()
  for (const [name, value] of properties) {
    await tx('image_properties').insert({ image_id: imageId, name, value })
  }
}

/** Adds or overwrites one property; null removes it. A patch under way notices by the revision. */
export async function writeProperty(tx: Transaction, imageId: string, name: string, value: string | null) {
  await tx('images').where({ id: imageId }).increment('revision', 1)
  await tx('image_properties').where({ image_id: imageId, name }).delete()
  if (value !== null) await tx('image_properties').insert({ image_id: imageId, name, value })
}

/** Adds a tag unless it is there. */
export async function insertTag(tx: Transaction, imageId: string, value: string): Promise<void> {
  await insertIfAbsent(tx, 'image_tags', { image_id: imageId, value })
}

/** False when the image does not have the tag. */
export async function removeTag(query: Query, imageId: string, value: string): Promise<boolean> {
  const touched: number = await query('image_tags').where({ image_id: imageId, value }).delete()
  return touched > 0
}

/** Adds a location to an image. */
export async function addLocation(tx: Query, imageId: string, location: Omit<Location, 'id'>): Promise<void> {
  const [last] = await tx('image_locations').where({ image_id: imageId }).max('position as position')
  await tx('image_locations').insert({
    id: uuid(),
    image_id: imageId,
    position: Number((last as Row | undefined)?.position ?? 0) + 1,
    store: location.store,
    url: location.url,
    metadata: JSON.stringify(location.metadata),
    state: 'active',
  })
}

/**
 * Marks the image as deleted and its remaining locations for deletion. Returns false when another request was faster.
 */
export async function deleteImage(tx: Transaction, id: string, from: string): Promise<boolean> {
  const set = { deleted_at: Date.now() }
  if (!(await move(tx, { table: 'images', id, to: 'deleted', states: imageStates, from, set }))) return false
  await tx('image_locations').where({ image_id: id }).update({ state: 'doomed' })
  return true
}

/** Images whose deletion was begun and not finished. */
export async function findDying(query: Query): Promise<string[]> {
  return query('images').where({ status: 'pending_delete' }).whereNull('deleted_at').pluck('id')
}

interface DoomedLocation {
  id: string
  image_id: string
  store: string | null
  url: string
}

/** Locations whose bytes are to be deleted, of one image or of all. */
export async function findDoomed(query: Query, imageId?: string): Promise<DoomedLocation[]> {
  const doomed = query('image_locations').where({ state: 'doomed' }).select('id', 'image_id', 'store', 'url')
  return imageId === undefined ? doomed : doomed.where({ image_id: imageId })
}

/** Marks a location for deletion. */
export async function doomLocation(query: Query, id: string): Promise<void> {
  await query('image_locations').where({ id }).update({ state: 'doomed' })
}

/** All that an image which is queued again may still point to. */
export async function doomLocations(query: Query, imageId: string): Promise<void> {
  await query('image_locations').where({ image_id: imageId }).update({ state: 'doomed' })
}

/** Deletes the row of a location. */
export async function forgetLocation(query: Query, id: string): Promise<void> {
  await query('image_locations').where({ id }).delete()
}

/** Rewrites the metadata of a location. */
export async function writeLocationMetadata(query: Query, id: string, metadata: Record<string, unknown>) {
  await query('image_locations')
    .where({ id })
    .update({ metadata: JSON.stringify(metadata) })
}

/** Bytes stored for one owner: each copy counts. */
export async function storedBytes(query: Query, owner: string | null): Promise<number> {
  const [row] = await query('images')
    .join('image_locations', 'image_locations.image_id', 'images.id')
    .where('images.owner', owner)
    .where('image_locations.state', 'active')
    .whereNull('images.deleted_at')
    .sum('images.size as bytes')
  return Number((row as Row | undefined)?.bytes ?? 0)
}
