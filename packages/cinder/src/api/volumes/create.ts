import type { Bus } from '@hearth/bus'
import { type Context, uuid } from '@hearth/core'
import type { Query, Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { getGroup } from '../../model/groups/store.ts'
import { checkVolumeSize, takeQuota } from '../../model/quotas/store.ts'
import { messageContext, schedulerTarget, scheduleVolume } from '../../model/topics.ts'
import { findEncryption } from '../../model/types/encryption-store.ts'
import { defaultVolumeType, findVolumeType, getVolumeType, type VolumeType } from '../../model/types/store.ts'
import { createVolumeRow, type VolumeRow, writeMetadata } from '../../model/volumes/store.ts'
import type { CreationTask, Hints } from '../../model/volumes/tasks.ts'
import type { ApiDeps } from '../deps.ts'
import { isTruthy, newVolumeNames } from './schema.ts'
import { checkTypeSize, readSize } from './size.ts'
import { imageSourceOf, resolveSource, type Source, type SourceInput } from './source.ts'
import { loadRelations, plainView } from './view.ts'
import { chooseZone } from './zone.ts'

interface CreateBody extends SourceInput {
  name?: string | null
  description?: string | null
  display_name?: string | null
  display_description?: string | null
  size?: number | string | null
  volume_type?: string | null
  metadata?: Record<string, string>
  availability_zone?: string | null
  group_id?: string | null
  multiattach?: boolean | string
}

/** POST /volumes. Takes quota, writes the row in `creating` and casts to the scheduler, all in one transaction. */
export async function createVolume(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const body = (request.body as { volume: CreateBody }).volume
  const hints = (request.body as Record<string, unknown>)['OS-SCH-HNT:scheduler_hints'] as Hints | null | undefined
  checkFields(context, body)
  const volume = await planVolume(context, body, deps)
  const row = await deps.database.transaction((tx) => insertVolume(tx, deps.bus, context, { ...volume, hints }))
  const relations = await loadRelations(deps.database.query, [row])
  return { volume: plainView(context, request, row, relations.get(row.id)!) }
}

function checkFields(context: Context, body: CreateBody): void {
  if (context.allows('strict-bodies')) {
    const unknown = Object.keys(body).filter((key) => !newVolumeNames.has(key))
    if (unknown.length > 0) {
      const names = unknown.map((name) => `'${name}'`).join(', ')
      const reason = `Additional properties are not allowed (${names} ${unknown.length > 1 ? 'were' : 'was'} unexpected)`
      throw errors.InvalidParameter({ reason: `Invalid input for field/attribute volume. ${reason}` })
    }
  }
  if (isTruthy(body.multiattach)) {
    throw errors.InvalidParameter({
      reason:
        'multiattach parameter has been removed. The default behavior is to use multiattach enabled volume types.',
    })
  }
}

/** All decisions about a new volume. */
export interface VolumePlan {
  projectId: string
  userId: string
  name: string | null
  description: string | null
  sizeGiB: number
  type: VolumeType
  zone: string
  metadata: Record<string, string>
  groupId: string | null
  source: Source
  hints?: Hints | null
}

async function planVolume(context: Context, body: CreateBody, deps: ApiDeps): Promise<VolumePlan> {
  const q = deps.database.query
  const source = await resolveSource(context, body, deps)
  const sizeGiB = readSize(body.size, source, deps.maxVolumeSize)
  const type = await chooseType(context, body.volume_type, source, deps)
  checkTypeSize(type, sizeGiB)
  await refuseEncryption(q, type)
  if (isMultiattach(type)) context.enforce('volume:multiattach')
  const projectId = context.identity?.projectId ?? ''
  await checkVolumeSize(q, projectId, sizeGiB)
  if (body.group_id) await checkGroup(deps, body.group_id, projectId)
  return {
    projectId,
    userId: context.identity?.userId ?? '',
    name: trimmed(body.name ?? body.display_name),
    description: trimmed(body.description ?? body.display_description),
    sizeGiB,
    type,
    zone: await chooseZone(q, { wanted: body.availability_zone ?? null, source, type, fallback: deps.defaultZone }),
    metadata: body.metadata ?? {},
    groupId: body.group_id ?? null,
    source,
  }
}

/** Returns the text without white space at its ends; null if there is none. */
export function trimmed(value: string | null | undefined): string | null {
  return value?.trim() ?? null
}

async function chooseType(
  context: Context,
  wanted: string | null | undefined,
  source: Source,
  deps: ApiDeps,
): Promise<VolumeType> {
  const q = deps.database.query
  if (wanted) {
    const type = await findVolumeType(q, wanted, context)
    if (source.typeId !== null && source.typeId !== type.id) await checkOtherType(deps, source.typeId, type)
    return type
  }
  if (source.typeId !== null) return getVolumeType(q, source.typeId)
  if (source.requestedType !== null) return findVolumeType(q, source.requestedType, context)
  return defaultVolumeType(q, context.identity?.projectId ?? null)
}

/**
 * A copy stays on the backend of its source, so its type must not require another backend. Throws InvalidInput (400).
 */
async function checkOtherType(deps: ApiDeps, sourceTypeId: string, type: VolumeType): Promise<void> {
  const before = (await getVolumeType(deps.database.query, sourceTypeId)).extraSpecs.volume_backend_name
  const after = type.extraSpecs.volume_backend_name
  if (before === after || after === undefined || before === undefined) return
  const reason = `Invalid volume_type provided: ${type.id} (requested type is not compatible; either match source volume, or omit type argument).`
  throw errors.InvalidInput({ reason })
}

/** Throws InvalidInput (400) for an encrypted type: there is no key manager, so the volume would not be encrypted. */
export async function refuseEncryption(q: Query, type: VolumeType): Promise<void> {
  if (!(await findEncryption(q, type.id))) return
  throw errors.InvalidInput({
    reason: `Volume type ${type.name} requires encryption, but no key manager is configured.`,
  })
}

async function checkGroup(deps: ApiDeps, id: string, projectId: string): Promise<void> {
  const group = await getGroup(deps.database.query, id)
  if (group.project_id !== projectId) throw errors.GroupNotFound({ group_id: id })
  if (!['available', 'creating'].includes(group.status)) {
    throw errors.InvalidInput({ reason: `Group ${id} is ${group.status} and accepts no volumes.` })
  }
}

/**
 * Writes a planned volume in the caller's transaction: quota, row, metadata, and the message to the scheduler. Returns
 * the row. Throws an error of status 413 if the volume exceeds the quota.
 */
export async function insertVolume(tx: Transaction, bus: Bus, context: Context, plan: VolumePlan): Promise<VolumeRow> {
  const { source, type } = plan
  await takeQuota(tx, {
    projectId: plan.projectId,
    deltas: { volumes: 1, gigabytes: plan.sizeGiB },
    volumeTypeName: type.name,
  })
  const row = await createVolumeRow(tx, {
    id: uuid(),
    project_id: plan.projectId,
    user_id: plan.userId,
    name: plan.name,
    description: plan.description,
    size: plan.sizeGiB,
    status: 'creating',
    availability_zone: plan.zone,
    volume_type_id: type.id,
    multiattach: isMultiattach(type),
    snapshot_id: source.kind === 'snapshot' ? source.id : null,
    source_volid: source.kind === 'volume' ? source.id : null,
    backup_id: source.kind === 'backup' ? source.id : null,
    image_id: source.kind === 'image' ? source.id : null,
    group_id: plan.groupId,
    task: JSON.stringify(creationTask(plan)),
  })
  await writeMetadata(tx, row.id, 'user', plan.metadata)
  await writeMetadata(tx, row.id, 'image', source.imageMetadata)
  const payload = { volumeId: row.id, attempt: row.attempts, excluded: [] }
  await bus.cast(tx, scheduleVolume, schedulerTarget, payload, messageContext(context))
  return row
}

/** Returns true if the type has the extra spec `multiattach` with the value `<is> True`. */
export function isMultiattach(type: VolumeType): boolean {
  return /^<is>\s+true$/i.test(type.extraSpecs.multiattach ?? '')
}

function creationTask({ source, hints }: VolumePlan): CreationTask {
  const { image } = source
  return {
    bootable: source.bootable,
    pinned: source.origin?.host?.split('#', 1)[0] ?? null,
    image: image && imageSourceOf(image),
    hints: hints ?? null,
  }
}
