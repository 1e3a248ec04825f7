import { type Context, uuid } from '@hearth/core'
import type { Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { errors } from '../errors.ts'
import { takeQuota } from '../quotas/store.ts'
import { createSnapshotRow, type SnapshotRow, writeSnapshotMetadata } from '../snapshots/store.ts'
import { plainView } from '../snapshots/view.ts'
import { findObjects, messageContext } from '../topics.ts'
import { volumeFor } from '../volumes/authorize.ts'
import { trimmed } from '../volumes/create.ts'
import { typeNameOf } from '../volumes/quota.ts'
import { backendOf, lockVolume, type VolumeRow } from '../volumes/store.ts'
import { nameOf, ownerOf, type Reference } from './names.ts'

interface ManageBody {
  volume_id: string
  ref: Reference
  name?: string | null
  description?: string | null
  metadata?: Record<string, string> | null
}

/** POST /manageable_snapshots: takes a snapshot that is on a backend into our hands. */
export async function manageSnapshot(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const q = deps.database.query
  const body = (request.body as { snapshot: ManageBody }).snapshot
  const name = nameOf(body.ref)
  const volume = await volumeFor(context, q, body.volume_id, 'snapshot_extension:snapshot_manage')
  if (volume.host === null) throw errors.InvalidVolume({ reason: `Volume ${volume.id} has no backend.` })
  const input = { kind: 'snapshot' as const, name }
  const [found] = await deps.bus.call(findObjects, backendOf(volume.host), input, messageContext(context))
  if (!found) throw refusal(body.ref, 'it does not exist on the backend')
  const row = await deps.database.transaction((tx) => insert(tx, context, body, volume, name))
  return { snapshot: plainView(row, body.metadata ?? {}) }
}

async function insert(
  tx: Transaction,
  context: Context,
  body: ManageBody,
  volume: VolumeRow,
  name: string,
): Promise<SnapshotRow> {
  const locked = await lockVolume(tx, volume.id)
  if ((await ownerOf(tx, 'snapshot', name)) !== null) throw refusal(body.ref, 'it is managed already')
  const volumeTypeName = await typeNameOf(tx, locked.volume_type_id)
  await takeQuota(tx, {
    projectId: locked.project_id,
    deltas: { snapshots: 1, gigabytes: locked.size },
    volumeTypeName,
  })
  const row = await createSnapshotRow(tx, {
    id: uuid(),
    volume_id: locked.id,
    project_id: locked.project_id,
    user_id: context.identity?.userId ?? '',
    name: trimmed(body.name),
    description: trimmed(body.description),
    size: locked.size,
    status: 'available',
    progress: '100%',
    volume_type_id: locked.volume_type_id,
    backend_name: name,
  })
  await writeSnapshotMetadata(tx, row.id, body.metadata ?? {})
  await tx('unmanaged_objects')
    .where({ host: backendOf(locked.host ?? ''), name })
    .delete()
  return row
}

function refusal(reference: Reference, reason: string) {
  const shown = JSON.stringify(reference)
  return errors.InvalidParameter({
    reason: `Manage existing snapshot failed due to invalid backend reference ${shown}: ${reason}.`,
  })
}
