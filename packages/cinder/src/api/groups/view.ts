import { type Context, isoMicroseconds } from '@hearth/core'
import type { Query } from '@hearth/database'
import { type GroupRow, volumesOfGroup, volumeTypesOf } from '../../model/groups/store.ts'

/**
 * Returns a group in full. The reply schema drops fields that the microversion does not have. `withVolumes` adds the
 * ids of its volumes (3.25).
 */
export async function viewGroups(context: Context, q: Query, rows: GroupRow[], withVolumes: boolean) {
  const types = await volumeTypesOf(
    q,
    rows.map(({ id }) => id),
  )
  const views: Record<string, unknown>[] = []
  for (const row of rows) {
    const volumes = withVolumes ? { volumes: (await volumesOfGroup(q, row.id)).map(({ id }) => id) } : {}
    const owner = context.may('group:group_project_attribute') ? { project_id: row.project_id } : {}
    views.push({
      id: row.id,
      name: row.name,
      status: row.status,
      availability_zone: row.availability_zone,
      created_at: isoMicroseconds(row.created_at),
      description: row.description,
      group_type: row.group_type_id,
      volume_types: types.get(row.id),
      group_snapshot_id: row.group_snapshot_id,
      source_group_id: row.source_group_id,
      replication_status: row.replication_status,
      ...volumes,
      ...owner,
    })
  }
  return views
}
