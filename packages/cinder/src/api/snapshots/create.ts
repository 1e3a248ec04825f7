import { type Context, uuid } from '@hearth/core'
import type { Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { takeQuota } from '../../model/quotas/store.ts'
import { createSnapshotRow, type SnapshotRow, writeSnapshotMetadata } from '../../model/snapshots/store.ts'
import { createSnapshot as createTopic, messageContext } from '../../model/topics.ts'
import { typeNameOf } from '../../model/volumes/quota.ts'
import { backendOf, lockVolume, type VolumeRow } from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { getVolumeFor } from '../volumes/authorize.ts'
import { trimmed } from '../volumes/create.ts'
import { isTruthy } from '../volumes/schema.ts'
import { plainView } from './view.ts'

interface CreateBody {
  volume_id: string | null
  name?: string | null
  description?: string | null
  display_name?: string | null
  display_description?: string | null
  force?: boolean | string
  metadata?: Record<string, string> | null
}

/** POST /snapshots: takes quota, writes the row in `creating` and casts to the backend, all in one transaction. */
export async function createSnapshot(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const body = (request.body as { snapshot: CreateBody }).snapshot
  const volume = await getVolumeFor(context, deps.database.query, body.volume_id ?? '', 'volume:create_snapshot')
  const statuses = usableStatuses(context, body)
  const metadata = body.metadata ?? {}
  const row = await deps.database.transaction(async (tx) => {
    const locked = await lockVolume(tx, volume.id)
    checkVolume(locked, statuses)
    const name = trimmed(body.name ?? body.display_name)
    const description = trimmed(body.description ?? body.display_description)
    const snapshot = await insertSnapshot(tx, context, locked, { name, description, metadata })
    const payload = { snapshotId: snapshot.id }
    await deps.bus.cast(tx, createTopic, backendOf(locked.host!), payload, messageContext(context))
    return snapshot
  })
  return { snapshot: plainView(row, metadata) }
}

/**
 * Returns the volume statuses in which a snapshot is allowed. An attached volume needs `force`, and since 3.66 it does
 * not. Throws InvalidParameter (400) for a false `force` since 3.66.
 */
function usableStatuses(context: Context, body: CreateBody): string[] {
  const always = context.allows('snapshot-attached-without-force')
  if (always && body.force !== undefined && !isTruthy(body.force)) {
    const reason = `Invalid input for field/attribute force. Value: ${body.force}. The 'force' parameter is invalid beginning with microversion 3.66.`
    throw errors.InvalidParameter({ reason })
  }
  return always || isTruthy(body.force) ? ['available', 'in-use'] : ['available']
}

function checkVolume(volume: VolumeRow, statuses: string[]): void {
  if (volume.host === null || !statuses.includes(volume.status)) {
    const force = statuses.length === 1 ? ' without the force flag' : ''
    const reason = `Volume ${volume.id} status must be ${statuses.join(' or ')}${force}, but current status is: ${volume.status}.`
    throw errors.InvalidVolume({ reason })
  }
  if (volume.migration_status !== null && !['error', 'success'].includes(volume.migration_status)) {
    throw errors.InvalidVolume({ reason: 'Cannot create a snapshot while the volume is migrating.' })
  }
}

/** Takes the quota of a snapshot and inserts it in `creating`, in the caller's transaction. Returns the row. */
export async function insertSnapshot(
  tx: Transaction,
  context: Context,
  volume: VolumeRow,
  options: Pick<SnapshotRow, 'name' | 'description'> & {
    metadata: Record<string, string>
    groupSnapshotId?: string | null
  },
): Promise<SnapshotRow> {
  const volumeTypeName = await typeNameOf(tx, volume.volume_type_id)
  const deltas = { snapshots: 1, gigabytes: volume.size }
  await takeQuota(tx, { projectId: volume.project_id, deltas, volumeTypeName })
  const row = await createSnapshotRow(tx, {
    id: uuid(),
    volume_id: volume.id,
    project_id: volume.project_id,
    user_id: context.identity?.userId ?? '',
    name: options.name,
    description: options.description,
    size: volume.size,
    status: 'creating',
    progress: '0%',
    volume_type_id: volume.volume_type_id,
    group_snapshot_id: options.groupSnapshotId ?? null,
  })
  await writeSnapshotMetadata(tx, row.id, options.metadata)
  return row
}
