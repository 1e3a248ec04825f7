import { type Context, uuid } from '@hearth/core'
import type { Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { invalidReference, nameOf, ownerOf, type Reference } from '../../model/manage/names.ts'
import { takeQuota } from '../../model/quotas/store.ts'
import { createSnapshotRow, type SnapshotRow, writeSnapshotMetadata } from '../../model/snapshots/store.ts'
import { adoptSnapshot as adoptOnBackend, type BackendObject, listObjects, messageContext } from '../../model/topics.ts'
import { typeNameOf } from '../../model/volumes/quota.ts'
import { backendOf, lockVolume, type VolumeRow, volumeRef } from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { plainView } from '../snapshots/view.ts'
import { getVolumeFor } from '../volumes/authorize.ts'
import { trimmed } from '../volumes/create.ts'

interface ManageBody {
  volume_id: string
  ref: Reference
  name?: string | null
  description?: string | null
  metadata?: Record<string, string> | null
}

/** POST /manageable_snapshots: adopts a snapshot that exists on the backend of a volume. Throws 400, 404 or 413. */
export async function adoptSnapshot(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const q = deps.database.query
  const body = (request.body as { snapshot: ManageBody }).snapshot
  const name = nameOf('snapshot', body.ref)
  const volume = await getVolumeFor(context, q, body.volume_id, 'snapshot_extension:snapshot_manage')
  if (volume.host === null) throw errors.InvalidVolume({ reason: `Volume ${volume.id} has no backend.` })
  if (volume.status === 'managing') throw errors.InvalidVolume({ reason: `Volume ${volume.id} is being managed.` })
  const input = { kind: 'snapshot' as const, name, volumeName: volumeRef(volume).name }
  const [found] = await deps.bus.call(listObjects, backendOf(volume.host), input, messageContext(context))
  if (!found) throw invalidReference('snapshot', body.ref, 'the volume has no such snapshot on the backend.')
  const row = await deps.database.transaction((tx) => insert(tx, context, body, { volume, found }, deps))
  return { snapshot: plainView(row, body.metadata ?? {}) }
}

async function insert(
  tx: Transaction,
  context: Context,
  body: ManageBody,
  { volume, found }: { volume: VolumeRow; found: BackendObject },
  deps: ApiDeps,
): Promise<SnapshotRow> {
  const { name, unsafe, renamed } = found
  const locked = await lockVolume(tx, volume.id)
  const backend = backendOf(locked.host ?? '')
  const owner = await ownerOf(tx, { kind: 'snapshot', name, backend })
  const reason = owner === null ? unsafe : 'it is managed already'
  if (reason !== null) throw invalidReference('snapshot', body.ref, `${reason}.`)
  const volumeTypeName = await typeNameOf(tx, locked.volume_type_id)
  const size = found.sizeGiB ?? locked.size
  await takeQuota(tx, { projectId: locked.project_id, deltas: { snapshots: 1, gigabytes: size }, volumeTypeName })
  const row = await createSnapshotRow(tx, {
    id: uuid(),
    volume_id: locked.id,
    project_id: locked.project_id,
    user_id: context.identity?.userId ?? '',
    name: trimmed(body.name),
    description: trimmed(body.description),
    size,
    status: renamed ? 'managing' : 'available',
    progress: renamed ? '0%' : '100%',
    volume_type_id: locked.volume_type_id,
    backend_name: name,
  })
  await writeSnapshotMetadata(tx, row.id, body.metadata ?? {})
  if (renamed) await deps.bus.cast(tx, adoptOnBackend, backend, { snapshotId: row.id }, messageContext(context))
  else await tx('unmanaged_objects').where({ host: backend, name }).delete()
  return row
}
