import type { Context } from '@hearth/core'
import type { Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { getGroupSnapshot, snapshotsOfGroupSnapshot } from '../../model/group-snapshots/store.ts'
import { type GroupRow, insertGroup, volumesOfGroup, volumeTypesOf } from '../../model/groups/store.ts'
import { takeQuota } from '../../model/quotas/store.ts'
import { getVolumeType } from '../../model/types/store.ts'
import { getVolume, type VolumeRow } from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { insertVolume, trimmed, type VolumePlan } from '../volumes/create.ts'
import { resolveSource, type SourceInput } from '../volumes/source.ts'
import { newGroup } from './create.ts'
import { groupFor } from './list.ts'

interface CopyBody {
  name?: string | null
  description?: string | null
  source_group_id?: string
  group_snapshot_id?: string
}

/** Source of one volume of the new group. */
interface Step {
  input: SourceInput
  like: VolumeRow
  sizeGiB: number
}

/** POST /groups/action create-from-src: a group like another, or like its snapshot, with a copy of each volume. */
export async function createGroupFromSource(context: Context, request: ApiRequest, deps: ApiDeps) {
  const body = (request.body as { 'create-from-src': CopyBody })['create-from-src']
  if ((body.source_group_id === undefined) === (body.group_snapshot_id === undefined)) {
    throw errors.InvalidInput({ reason: 'Either group_snapshot_id or source_group_id must be provided, and not both.' })
  }
  const { origin, steps } = await readSource(context, body, deps)
  const plans: VolumePlan[] = []
  for (const step of steps) plans.push(await planCopy(context, step, deps))
  const row = await deps.database.transaction((tx) => insertCopy(tx, context, { body, origin, plans }, deps))
  return { group: { id: row.id, name: row.name } }
}

async function readSource(
  context: Context,
  body: CopyBody,
  deps: ApiDeps,
): Promise<{ origin: GroupRow; steps: Step[] }> {
  const q = deps.database.query
  if (body.source_group_id !== undefined) {
    const origin = await groupFor(context, q, body.source_group_id, 'group:create')
    const volumes = await volumesOfGroup(q, origin.id)
    const steps = volumes.map((like) => ({ input: { source_volid: like.id }, like, sizeGiB: like.size }))
    return { origin, steps: nonEmpty(steps) }
  }
  const groupSnapshot = await getGroupSnapshot(q, body.group_snapshot_id!)
  const origin = await groupFor(context, q, groupSnapshot.group_id, 'group:create')
  const steps: Step[] = []
  for (const snapshot of await snapshotsOfGroupSnapshot(q, groupSnapshot.id)) {
    const like = await getVolume(q, snapshot.volume_id)
    steps.push({ input: { snapshot_id: snapshot.id }, like, sizeGiB: snapshot.size })
  }
  return { origin, steps: nonEmpty(steps) }
}

function nonEmpty(steps: Step[]): Step[] {
  if (steps.length === 0) throw errors.InvalidGroup({ reason: 'Source group is empty. No group will be created.' })
  return steps
}

async function planCopy(context: Context, { input, like, sizeGiB }: Step, deps: ApiDeps): Promise<VolumePlan> {
  const q = deps.database.query
  return {
    projectId: context.identity?.projectId ?? '',
    userId: context.identity?.userId ?? '',
    name: like.name,
    description: like.description,
    sizeGiB,
    type: await getVolumeType(q, like.volume_type_id!),
    zone: like.availability_zone ?? deps.defaultZone,
    metadata: {},
    groupId: null,
    source: await resolveSource(context, input, deps),
  }
}

interface Copy {
  body: CopyBody
  origin: GroupRow
  plans: VolumePlan[]
}

async function insertCopy(tx: Transaction, context: Context, { body, origin, plans }: Copy, deps: ApiDeps) {
  const group = newGroup(context, {
    name: trimmed(body.name),
    description: trimmed(body.description),
    status: 'creating',
    availability_zone: origin.availability_zone,
    group_type_id: origin.group_type_id,
    source_group_id: body.source_group_id ?? null,
    group_snapshot_id: body.group_snapshot_id ?? null,
  })
  await takeQuota(tx, { projectId: group.project_id, deltas: { groups: 1 } })
  await insertGroup(tx, group, (await volumeTypesOf(tx, [origin.id])).get(origin.id)!)
  for (const plan of plans) await insertVolume(tx, deps.bus, context, { ...plan, groupId: group.id })
  return group
}
