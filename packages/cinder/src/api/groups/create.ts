import { type Context, uuid } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { findGroupType } from '../../model/group-types/store.ts'
import { type GroupRow, insertGroup } from '../../model/groups/store.ts'
import { takeQuota } from '../../model/quotas/store.ts'
import { findVolumeType } from '../../model/types/store.ts'
import type { ApiDeps } from '../deps.ts'
import { trimmed } from '../volumes/create.ts'

interface CreateBody {
  name?: string | null
  description?: string | null
  group_type: string
  volume_types: string[]
  availability_zone?: string | null
}

/** POST /groups. Volumes are put into it afterwards; their backends need not know of it. Throws 404, 413. */
export async function createGroup(context: Context, request: ApiRequest, deps: ApiDeps) {
  const body = (request.body as { group: CreateBody }).group
  const row = await deps.database.transaction(async (tx) => {
    const groupType = await findGroupType(tx, body.group_type)
    const types: string[] = []
    for (const wanted of body.volume_types) types.push((await findVolumeType(tx, wanted, context)).id)
    const group = newGroup(context, {
      name: trimmed(body.name),
      description: trimmed(body.description),
      status: 'available',
      availability_zone: body.availability_zone || deps.defaultZone,
      group_type_id: groupType.id,
    })
    await takeQuota(tx, { projectId: group.project_id, deltas: { groups: 1 } })
    await insertGroup(tx, group, types)
    return group
  })
  return { group: { id: row.id, name: row.name } }
}

/** A row that belongs to the caller. */
export function newGroup(
  context: Context,
  fields: Pick<GroupRow, 'name' | 'description' | 'status' | 'availability_zone' | 'group_type_id'> & Partial<GroupRow>,
): GroupRow {
  return {
    id: uuid(),
    project_id: context.identity?.projectId ?? '',
    user_id: context.identity?.userId ?? '',
    host: null,
    group_snapshot_id: null,
    source_group_id: null,
    replication_status: 'disabled',
    created_at: Date.now(),
    updated_at: null,
    ...fields,
  }
}
