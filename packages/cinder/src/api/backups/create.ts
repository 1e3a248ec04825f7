import { type Context, isoMicroseconds, uuid } from '@hearth/core'
import { move, type Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import {
  type BackupRow,
  hasBackupRole,
  insertBackup,
  latestBackup,
  newestBackup,
  writeBackupMetadata,
} from '../../model/backups/store.ts'
import { errors } from '../../model/errors.ts'
import { takeQuota } from '../../model/quotas/store.ts'
import { snapshotStates } from '../../model/snapshots/states.ts'
import type { SnapshotRow } from '../../model/snapshots/store.ts'
import { createBackup as createTopic, messageContext } from '../../model/topics.ts'
import { volumeStates } from '../../model/volumes/states.ts'
import type { VolumeRow } from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { getSnapshotFor } from '../snapshots/authorize.ts'
import { getVolumeFor } from '../volumes/authorize.ts'
import { trimmed } from '../volumes/create.ts'
import { isTruthy } from '../volumes/schema.ts'
import { summaryView } from './view.ts'

interface CreateBody {
  volume_id: string
  container?: string | null
  name?: string | null
  description?: string | null
  incremental?: unknown
  force?: unknown
  snapshot_id?: string | null
  metadata?: Record<string, string> | null
  availability_zone?: string | null
}

/** Where backups go that name no container: Cinder's `backup_swift_container`. */
const defaultContainer = 'volumebackups'

/**
 * POST /backups. Takes quota, marks the source `backing-up`, inserts the row as `creating` and casts to the backup role
 * of the volume's host. Throws 400 for a source in the wrong status, ServiceNotFound (404) when no backup role runs on
 * that host.
 */
export async function createBackup(context: Context, request: ApiRequest, deps: ApiDeps) {
  const body = (request.body as { backup: CreateBody }).backup
  const q = deps.database.query
  const volume = await getVolumeFor(context, q, body.volume_id, 'backup:create')
  const snapshot = body.snapshot_id ? await getSnapshotFor(context, q, body.snapshot_id, 'backup:create') : null
  checkSource(volume, snapshot, isTruthy(body.force))
  if (!(await hasBackupRole(q, hostOf(volume)))) throw errors.ServiceNotFound({ service_id: 'cinder-backup' })
  const parent = isTruthy(body.incremental) ? await findParent(context, volume, snapshot, deps) : null
  const row = await deps.database.transaction(async (tx) => {
    const backup = await insert(tx, context, { volume, snapshot, parent, body, zone: deps.defaultZone })
    await deps.bus.cast(tx, createTopic, backup.host!, { backupId: backup.id }, messageContext(context))
    return backup
  })
  return { backup: { ...summaryView(request, row), metadata: body.metadata ?? {} } }
}

function checkSource(volume: VolumeRow, snapshot: SnapshotRow | null, force: boolean): void {
  if (snapshot && snapshot.volume_id !== volume.id) {
    throw errors.InvalidSnapshot({ reason: `Snapshot ${snapshot.id} does not belong to volume ${volume.id}.` })
  }
  if (snapshot && snapshot.status !== 'available') {
    throw errors.InvalidSnapshot({
      reason: `Snapshot to be backed up must be available, but the current status is "${snapshot.status}".`,
    })
  }
  if (snapshot) return
  if (!['available', 'in-use'].includes(volume.status)) {
    throw errors.InvalidVolume({
      reason: `Volume to be backed up must be available or in-use, but the current status is "${volume.status}".`,
    })
  }
  if (volume.status === 'in-use' && !force) {
    throw errors.InvalidVolume({ reason: 'Backing up an in-use volume must use the force flag.' })
  }
}

/**
 * Returns the backup that an incremental one builds on, by the rules of cinder/backup/api.py: the newest backup of data
 * older than the data to save, or the last one made when the snapshot is older than all. Chunks are compared by hash,
 * so any backup will do. Throws 400 without one.
 */
async function findParent(context: Context, volume: VolumeRow, snapshot: SnapshotRow | null, deps: ApiDeps) {
  const before = snapshot?.created_at ?? Number.MAX_SAFE_INTEGER
  const owner = context.identity?.projectId ?? ''
  const parent =
    (await latestBackup(deps.database.query, volume.id, owner, before)) ??
    (await newestBackup(deps.database.query, volume.id, owner))
  if (!parent) {
    throw errors.InvalidBackup({ reason: 'No backups available to do an incremental backup.' })
  }
  if ((snapshot?.size ?? volume.size) > parent.size) {
    throw errors.InvalidBackup({ reason: 'Volume size increased since the last backup. Do a full backup.' })
  }
  return parent
}

interface Plan {
  volume: VolumeRow
  snapshot: SnapshotRow | null
  parent: BackupRow | null
  body: CreateBody
  zone: string
}

async function insert(tx: Transaction, context: Context, plan: Plan): Promise<BackupRow> {
  const { volume, snapshot, parent, body } = plan
  const projectId = context.identity?.projectId ?? ''
  const size = snapshot?.size ?? volume.size
  await takeQuota(tx, { projectId, deltas: { backups: 1, backup_gigabytes: size } })
  await occupy(tx, volume, snapshot)
  const id = uuid()
  const now = Date.now()
  const zone = body.availability_zone || volume.availability_zone || plan.zone
  const row = await insertBackup(tx, {
    id,
    project_id: projectId,
    user_id: context.identity?.userId ?? '',
    volume_id: volume.id,
    snapshot_id: snapshot?.id ?? null,
    parent_id: parent?.id ?? null,
    name: trimmed(body.name),
    description: trimmed(body.description),
    status: 'creating',
    size,
    availability_zone: zone,
    host: hostOf(volume),
    container: body.container || parent?.container || defaultContainer,
    service: null,
    service_metadata: `volume_${volume.id}/${stamp(now)}/az_${zone}_backup_${id}`,
    data_timestamp: snapshot?.created_at ?? now,
    created_at: now,
  })
  await writeBackupMetadata(tx, id, body.metadata ?? {})
  return row
}

/** Marks the source as being read. Throws 400 when another request has changed its status first. */
async function occupy(tx: Transaction, volume: VolumeRow, snapshot: SnapshotRow | null): Promise<void> {
  const to = 'backing-up'
  if (snapshot) {
    const moved = await move(tx, { table: 'snapshots', id: snapshot.id, to, states: snapshotStates, from: 'available' })
    if (!moved) throw errors.InvalidSnapshot({ reason: `Snapshot ${snapshot.id} is busy.` })
    return
  }
  const set = { previous_status: volume.status }
  const from = volume.status
  if (!(await move(tx, { table: 'volumes', id: volume.id, to, states: volumeStates, from, set }))) {
    throw errors.InvalidVolume({ reason: `Volume ${volume.id} is busy.` })
  }
}

/** `host1@file#pool` → `host1`. Throws 400 for a volume that was never placed. */
function hostOf(volume: VolumeRow): string {
  if (volume.host === null) throw errors.InvalidVolume({ reason: `Volume ${volume.id} is on no host.` })
  return volume.host.split('@', 1)[0]!
}

/** `YYYYmmddHHMMSS`, as upstream's object names carry it. */
function stamp(time: number): string {
  return isoMicroseconds(time)!.replace(/\D/g, '').slice(0, 14)
}
