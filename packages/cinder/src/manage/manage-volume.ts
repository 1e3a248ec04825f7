import { type Context, uuid } from '@hearth/core'
import type { Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { errors } from '../errors.ts'
import { takeQuota } from '../quotas/store.ts'
import { listServices } from '../services/store.ts'
import { findObjects, messageContext } from '../topics.ts'
import { defaultVolumeType, findVolumeType, type VolumeType } from '../types/store.ts'
import { refuseEncryption, trimmed } from '../volumes/create.ts'
import { isTruthy } from '../volumes/schema.ts'
import { backendOf, createVolumeRow, type VolumeRow, writeMetadata } from '../volumes/store.ts'
import { detailView, loadParts } from '../volumes/view.ts'
import { nameOf, ownerOf, type Reference } from './names.ts'

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

/** POST /manageable_volumes: takes a volume that is on a backend into our hands, its bytes untouched. */
export async function manageVolume(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const q = deps.database.query
  const body = (request.body as { volume: ManageBody }).volume
  const name = nameOf(body.ref)
  const host = await poolHost(deps, body.host)
  const type = body.volume_type
    ? await findVolumeType(q, body.volume_type, context)
    : await defaultVolumeType(q, context.identity?.projectId ?? null)
  await refuseEncryption(q, type)
  const [found] = await deps.bus.call(findObjects, backendOf(host), { kind: 'volume', name }, messageContext(context))
  if (!found) throw refusal(body.ref, 'it does not exist on the backend')
  const plan = { name, host, type, sizeGiB: found.sizeGiB ?? 1, zone: body.availability_zone ?? deps.defaultZone }
  const row = await deps.database.transaction((tx) => insert(tx, context, body, plan))
  const parts = await loadParts(q, [row])
  return { volume: detailView(context, request, row, parts.get(row.id)!) }
}

interface ManagePlan {
  name: string
  host: string
  type: VolumeType
  sizeGiB: number
  zone: string
}

async function insert(tx: Transaction, context: Context, body: ManageBody, plan: ManagePlan): Promise<VolumeRow> {
  const projectId = context.identity?.projectId ?? ''
  if ((await ownerOf(tx, 'volume', plan.name)) !== null) throw refusal(body.ref, 'it is managed already')
  const deltas = { volumes: 1, gigabytes: plan.sizeGiB }
  await takeQuota(tx, { projectId, deltas, volumeTypeName: plan.type.name })
  const row = await createVolumeRow(tx, {
    id: uuid(),
    project_id: projectId,
    user_id: context.identity?.userId ?? '',
    name: trimmed(body.name),
    description: trimmed(body.description),
    size: plan.sizeGiB,
    status: 'available',
    host: plan.host,
    backend_name: plan.name,
    availability_zone: plan.zone,
    volume_type_id: plan.type.id,
    bootable: isTruthy(body.bootable),
    launched_at: Date.now(),
  })
  await writeMetadata(tx, row.id, 'user', body.metadata ?? {})
  await tx('unmanaged_objects')
    .where({ host: backendOf(plan.host), name: plan.name })
    .delete()
  return row
}

function refusal(reference: Reference, reason: string) {
  const shown = JSON.stringify(reference)
  return errors.InvalidParameter({
    reason: `Manage existing volume failed due to invalid backend reference ${shown}: ${reason}.`,
  })
}

/** `host@backend` or `host@backend#pool` of a volume service that is there, with its pool. Throws 400. */
async function poolHost(deps: ApiDeps, host: string): Promise<string> {
  const services = await listServices(deps.database.query, { binary: 'cinder-volume' })
  const service = services.find((one) => one.host === backendOf(host))
  if (!service || service.disabled || service.stats === null) {
    throw errors.InvalidParameter({ reason: `Service cinder-volume could not be found on host ${host}.` })
  }
  const { pools } = JSON.parse(service.stats) as { pools: { poolName: string }[] }
  return host.includes('#') ? host : `${service.host}#${pools[0]?.poolName ?? ''}`
}
