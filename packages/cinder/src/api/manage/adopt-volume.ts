import { type Context, uuid } from '@hearth/core'
import type { Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { invalidReference, type ManageTask, nameOf, ownerOf, type Reference } from '../../model/manage/names.ts'
import { takeQuota } from '../../model/quotas/store.ts'
import { listServices } from '../../model/services/store.ts'
import { adoptVolume as adoptOnBackend, type BackendObject, listObjects, messageContext } from '../../model/topics.ts'
import { defaultVolumeType, findVolumeType, type VolumeType } from '../../model/types/store.ts'
import { backendOf, createVolumeRow, type VolumeRow, writeMetadata } from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { refuseEncryption, trimmed } from '../volumes/create.ts'
import { isTruthy } from '../volumes/schema.ts'
import { detailView, loadRelations } from '../volumes/view.ts'

interface ManageBody {
  host: string
  ref: Reference
  name?: string | null
  description?: string | null
  volume_type?: string | null
  availability_zone?: string | null
  bootable?: boolean | string
  metadata?: Record<string, string> | null
}

/**
 * POST /manageable_volumes: adopts a volume that exists on a backend; its bytes stay unchanged. Throws 400, 404 or 413.
 */
export async function adoptVolume(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const q = deps.database.query
  const body = (request.body as { volume: ManageBody }).volume
  const name = nameOf('volume', body.ref)
  const host = await poolHost(deps, body.host)
  const type = body.volume_type
    ? await findVolumeType(q, body.volume_type, context)
    : await defaultVolumeType(q, context.identity?.projectId ?? null)
  await refuseEncryption(q, type)
  const wanted = { kind: 'volume', name, volumeName: null } as const
  const [found] = await deps.bus.call(listObjects, backendOf(host), wanted, messageContext(context))
  if (!found) throw invalidReference('volume', body.ref, 'it does not exist on the backend.')
  const plan = { found, host, type, zone: body.availability_zone ?? deps.defaultZone }
  const row = await deps.database.transaction((tx) => insert(tx, context, body, plan, deps))
  const relations = await loadRelations(q, [row])
  return { volume: detailView(context, request, row, relations.get(row.id)!) }
}

interface ManagePlan {
  found: BackendObject
  host: string
  type: VolumeType
  zone: string
}

async function insert(
  tx: Transaction,
  context: Context,
  body: ManageBody,
  { found, host, type, zone }: ManagePlan,
  deps: ApiDeps,
): Promise<VolumeRow> {
  const projectId = context.identity?.projectId ?? ''
  const { name, unsafe, renamed } = found
  const backend = backendOf(host)
  const owner = await ownerOf(tx, { kind: 'volume', name, backend })
  const reason = owner === null ? unsafe : 'it is managed already'
  if (reason !== null) throw invalidReference('volume', body.ref, `${reason}.`)
  const size = Math.max(1, found.sizeGiB ?? 1)
  await takeQuota(tx, { projectId, deltas: { volumes: 1, gigabytes: size }, volumeTypeName: type.name })
  const task: ManageTask = { manage: { name } }
  const row = await createVolumeRow(tx, {
    id: uuid(),
    project_id: projectId,
    user_id: context.identity?.userId ?? '',
    name: trimmed(body.name),
    description: trimmed(body.description),
    size,
    host,
    availability_zone: zone,
    volume_type_id: type.id,
    bootable: isTruthy(body.bootable),
    ...(renamed
      ? { status: 'managing', task: JSON.stringify(task) }
      : { status: 'available', backend_name: name, launched_at: Date.now() }),
  })
  await writeMetadata(tx, row.id, 'user', body.metadata ?? {})
  if (renamed) await deps.bus.cast(tx, adoptOnBackend, backend, { volumeId: row.id }, messageContext(context))
  else await tx('unmanaged_objects').where({ host: backend, name }).delete()
  return row
}

/**
 * Returns `host@backend#pool` for a host with or without pool, by default with the backend's first pool. Throws
 * InvalidParameter (400) if no enabled volume service has reported that backend.
 */
export async function poolHost(deps: ApiDeps, host: string): Promise<string> {
  const services = await listServices(deps.database.query, { binary: 'cinder-volume' })
  const service = services.find((one) => one.host === backendOf(host))
  if (!service || service.disabled || service.stats === null) {
    throw errors.InvalidParameter({ reason: `Service cinder-volume could not be found on host ${host}.` })
  }
  const { pools } = JSON.parse(service.stats) as { pools: { poolName: string }[] }
  return host.includes('#') ? host : `${service.host}#${pools[0]?.poolName ?? ''}`
}
