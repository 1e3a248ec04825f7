import type { Query, Transaction } from '@hearth/database'
import type { VolumeRef } from '@hearth/driver'
import { errors } from '../errors.ts'

/** A row of `volumes`. Times are milliseconds since the epoch, `size` is GiB. */
export interface VolumeRow {
  id: string
  project_id: string
  user_id: string
  name: string | null
  description: string | null
  size: number
  status: string
  previous_status: string | null
  attach_status: string
  migration_status: string | null
  replication_status: string | null
  /** Pool of the volume, `host1@backend#pool`; null before its placement. */
  host: string | null
  /** Number of placements tried, including the current one; starts at 1. */
  attempts: number
  availability_zone: string | null
  volume_type_id: string | null
  snapshot_id: string | null
  source_volid: string | null
  backup_id: string | null
  image_id: string | null
  group_id: string | null
  group_snapshot_id: string | null
  consistencygroup_id: string | null
  bootable: boolean
  multiattach: boolean
  use_quota: boolean
  encryption_key_id: string | null
  provider_location: string | null
  /** `CHAP user password`; null before the first export. */
  provider_auth: string | null
  provider_id: string | null
  /** Name on the backend if it is not `volume-<id>`. */
  backend_name: string | null
  service_uuid: string | null
  /** Input of the operation that the "-ing" status stands for, as JSON. */
  task: string | null
  launched_at: number | null
  created_at: number
  updated_at: number | null
}

type NewVolume = Pick<VolumeRow, 'id' | 'project_id' | 'user_id' | 'size' | 'status'> & Partial<VolumeRow>

/** Kinds of metadata: the user's, copied from the image, and the administrator's (`readonly`, `attached_mode`). */
export type MetadataKind = 'user' | 'image' | 'admin'

function volumeOf(row: VolumeRow): VolumeRow {
  row.bootable = Boolean(row.bootable)
  row.multiattach = Boolean(row.multiattach)
  row.use_quota = Boolean(row.use_quota)
  return row
}

/** Returns the volume, or undefined if there is none. */
export async function findVolume(q: Query, id: string): Promise<VolumeRow | undefined> {
  const row = await q<VolumeRow>('volumes').where({ id }).first()
  return row && volumeOf(row as VolumeRow)
}

/** Returns the volume. Throws VolumeNotFound (404). */
export async function getVolume(q: Query, id: string): Promise<VolumeRow> {
  const row = await findVolume(q, id)
  if (!row) throw errors.VolumeNotFound({ volume_id: id })
  return row
}

/** Inserts a volume with defaults for absent columns, and returns it. */
export async function createVolumeRow(tx: Transaction, volume: NewVolume): Promise<VolumeRow> {
  const row: VolumeRow = {
    name: null,
    description: null,
    previous_status: null,
    attach_status: 'detached',
    migration_status: null,
    replication_status: null,
    host: null,
    attempts: 1,
    availability_zone: null,
    volume_type_id: null,
    snapshot_id: null,
    source_volid: null,
    backup_id: null,
    image_id: null,
    group_id: null,
    group_snapshot_id: null,
    consistencygroup_id: null,
    bootable: false,
    multiattach: false,
    use_quota: true,
    encryption_key_id: null,
    provider_location: null,
    provider_auth: null,
    provider_id: null,
    backend_name: null,
    service_uuid: null,
    task: null,
    launched_at: null,
    created_at: Date.now(),
    updated_at: null,
    ...volume,
  }
  await tx('volumes').insert(row)
  return row
}

/** Updates columns other than the status. Returns false if the row is gone. */
export async function updateVolume(tx: Query, id: string, set: Partial<Omit<VolumeRow, 'status'>>): Promise<boolean> {
  return (
    (await tx('volumes')
      .where({ id })
      .update({ updated_at: Date.now(), ...set })) > 0
  )
}

/**
 * Takes the write lock of the row and returns the row as it is then. First statement of every transaction that reads
 * rows related to the volume and then writes, so that such transactions run one after another. Throws VolumeNotFound
 * (404).
 */
export async function lockVolume(tx: Transaction, id: string): Promise<VolumeRow> {
  const locked = await tx('volumes')
    .where({ id })
    .update({ attempts: tx.ref('attempts') })
  if (locked === 0) throw errors.VolumeNotFound({ volume_id: id })
  return getVolume(tx, id)
}

/** Deletes the row, its metadata and its attachments; the caller releases quota. Returns false if the row was gone. */
export async function deleteVolumeRow(tx: Transaction, id: string): Promise<boolean> {
  const deleted = (await tx('volumes').where({ id }).delete()) > 0
  await tx('volume_metadata').where({ volume_id: id }).delete()
  await tx('attachments').where({ volume_id: id }).delete()
  return deleted
}

/** Returns the volumes on a backend (`host1@file`) or pool, in one of `statuses`; in all statuses if absent. */
export async function volumesOnBackend(q: Query, backend: string, statuses?: string[]): Promise<VolumeRow[]> {
  const rows = q<VolumeRow>('volumes').where((either) =>
    either.where('host', backend).orWhere('host', 'like', `${backend}#%`),
  )
  if (statuses) rows.whereIn('status', statuses)
  return ((await rows) as VolumeRow[]).map(volumeOf)
}

/** Returns rows of a query as typed volumes; booleans are numbers in some databases. */
export function volumeRows(rows: unknown[]): VolumeRow[] {
  return (rows as VolumeRow[]).map(volumeOf)
}

/** Returns the reference by which drivers know the volume. */
export function volumeRef(
  row: Pick<VolumeRow, 'id' | 'size' | 'provider_location' | 'backend_name'> & { multiattach?: boolean },
): VolumeRef {
  return {
    id: row.id,
    name: row.backend_name ?? `volume-${row.id}`,
    sizeGiB: row.size,
    providerLocation: row.provider_location,
    ...(row.multiattach && { multiattach: true }),
  }
}

/** Returns the backend of a pool: `host1@file#pool` → `host1@file`. */
export function backendOf(host: string): string {
  return host.split('#', 1)[0]!
}

/** Returns the metadata of one kind as key → value. */
export async function readMetadata(q: Query, volumeId: string, kind: MetadataKind): Promise<Record<string, string>> {
  const rows: { key: string; value: string }[] = await q('volume_metadata').where({ volume_id: volumeId, kind })
  return Object.fromEntries(rows.map(({ key, value }) => [key, value]))
}

/** Sets the keys of `entries`; `replace` also deletes all other keys of this kind. */
export async function writeMetadata(
  tx: Transaction,
  volumeId: string,
  kind: MetadataKind,
  entries: Record<string, string>,
  replace = false,
): Promise<void> {
  const rows = Object.entries(entries).map(([key, value]) => ({ volume_id: volumeId, kind, key, value }))
  if (replace) await tx('volume_metadata').where({ volume_id: volumeId, kind }).delete()
  if (rows.length > 0)
    await tx('volume_metadata').insert(rows).onConflict(['volume_id', 'kind', 'key']).merge(['value'])
}

/** Deletes one key. Returns false if there was no such key. */
export async function deleteMetadata(tx: Query, volumeId: string, kind: MetadataKind, key: string): Promise<boolean> {
  return (await tx('volume_metadata').where({ volume_id: volumeId, kind, key }).delete()) > 0
}
