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
  /** `host1@backend#pool`; null until placed. */
  host: string | null
  /** How often a place was sought, 1 at first. */
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
  /** `CHAP user password` once exported. */
  provider_auth: string | null
  provider_id: string | null
  /** Name on the backend when it is another than `volume-<id>`. */
  backend_name: string | null
  service_uuid: string | null
  /** JSON: what the operation of the present "-ing" status was asked to do. */
  task: string | null
  launched_at: number | null
  created_at: number
  updated_at: number | null
}

export type NewVolume = Pick<VolumeRow, 'id' | 'project_id' | 'user_id' | 'size' | 'status'> & Partial<VolumeRow>

/** Whose key-value pairs: the user's, those copied from the image, the administrator's (`readonly`, `attached_mode`). */
export type MetadataKind = 'user' | 'image' | 'admin'

function volumeOf(row: VolumeRow): VolumeRow {
  row.bootable = Boolean(row.bootable)
  row.multiattach = Boolean(row.multiattach)
  row.use_quota = Boolean(row.use_quota)
  return row
}

export async function findVolume(q: Query, id: string): Promise<VolumeRow | undefined> {
  const row = await q<VolumeRow>('volumes').where({ id }).first()
  return row && volumeOf(row as VolumeRow)
}

/** Throws VolumeNotFound (404). */
export async function getVolume(q: Query, id: string): Promise<VolumeRow> {
  const row = await findVolume(q, id)
  if (!row) throw errors.VolumeNotFound({ volume_id: id })
  return row
}

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

/** Writes columns other than the status. False when the row is gone. */
export async function updateVolume(tx: Query, id: string, set: Partial<Omit<VolumeRow, 'status'>>): Promise<boolean> {
  return (
    (await tx('volumes')
      .where({ id })
      .update({ updated_at: Date.now(), ...set })) > 0
  )
}

/**
 * First statement of every transaction that reads a volume's surroundings and then acts: takes the row's write lock, so
 * that two such transactions follow one another. Answers the row as it is then. Throws VolumeNotFound (404).
 */
export async function lockVolume(tx: Transaction, id: string): Promise<VolumeRow> {
  const locked = await tx('volumes')
    .where({ id })
    .update({ attempts: tx.ref('attempts') })
  if (locked === 0) throw errors.VolumeNotFound({ volume_id: id })
  return getVolume(tx, id)
}

/** Removes the row and all that hangs on it; quota is the caller's business. False when it was gone. */
export async function deleteVolumeRow(tx: Transaction, id: string): Promise<boolean> {
  const gone = (await tx('volumes').where({ id }).delete()) > 0
  await tx('volume_metadata').where({ volume_id: id }).delete()
  await tx('attachments').where({ volume_id: id }).delete()
  return gone
}

/** Volumes on a backend (`host1@file`) or pool, in any of the statuses; every status without them. */
export async function volumesOnBackend(q: Query, backend: string, statuses?: string[]): Promise<VolumeRow[]> {
  const rows = q<VolumeRow>('volumes').where((either) =>
    either.where('host', backend).orWhere('host', 'like', `${backend}#%`),
  )
  if (statuses) rows.whereIn('status', statuses)
  return ((await rows) as VolumeRow[]).map(volumeOf)
}

export function volumeRows(rows: unknown[]): VolumeRow[] {
  return (rows as VolumeRow[]).map(volumeOf)
}

/** The volume as its driver knows it. */
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

/** `host1@file#pool` → `host1@file`. */
export function backendOf(host: string): string {
  return host.split('#', 1)[0]!
}

export async function readMetadata(q: Query, volumeId: string, kind: MetadataKind): Promise<Record<string, string>> {
  const rows: { key: string; value: string }[] = await q('volume_metadata').where({ volume_id: volumeId, kind })
  return Object.fromEntries(rows.map(({ key, value }) => [key, value]))
}

/** Sets the given keys; `replace` also removes the others. */
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

/** True if there was such a key. */
export async function deleteMetadata(tx: Query, volumeId: string, kind: MetadataKind, key: string): Promise<boolean> {
  return (await tx('volume_metadata').where({ volume_id: volumeId, kind, key }).delete()) > 0
}
