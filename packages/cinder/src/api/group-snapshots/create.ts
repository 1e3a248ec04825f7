import { type Context, uuid } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { type GroupSnapshotRow, insertGroupSnapshot } from '../../model/group-snapshots/store.ts'
import { settleGroups, volumesOfGroup } from '../../model/groups/store.ts'
import { createSnapshot, messageContext } from '../../model/topics.ts'
import { backendOf, lockVolume } from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { groupFor } from '../groups/list.ts'
import { insertSnapshot } from '../snapshots/create.ts'
import { trimmed } from '../volumes/create.ts'

/**
 * POST /group_snapshots. Makes one snapshot of each volume. Throws 400 for an empty group or a busy volume, 413 over
 * quota.
 */
export async function createGroupSnapshot(context: Context, request: ApiRequest, deps: ApiDeps) {
  const body = request.body as {
    group_snapshot: { group_id: string; name?: string | null; description?: string | null }
  }
  const { group_id, name, description } = body.group_snapshot
  const row = await deps.database.transaction(async (tx) => {
    await settleGroups(tx)
    const group = await groupFor(context, tx, group_id, 'group:create_group_snapshot')
    const volumes = await volumesOfGroup(tx, group.id)
    if (volumes.length === 0) {
      throw errors.InvalidGroup({ reason: `Group ${group.id} is empty. No group snapshot will be created.` })
    }
    const groupSnapshot: GroupSnapshotRow = {
      id: uuid(),
      group_id: group.id,
      project_id: group.project_id,
      user_id: context.identity?.userId ?? '',
      name: trimmed(name),
      description: trimmed(description),
      status: 'creating',
      group_type_id: group.group_type_id,
      created_at: Date.now(),
      updated_at: null,
    }
    await insertGroupSnapshot(tx, groupSnapshot)
    for (const { id } of volumes) {
      const volume = await lockVolume(tx, id)
      if (volume.host === null || !['available', 'in-use'].includes(volume.status)) {
        throw errors.InvalidVolume({ reason: `Volume ${id} status must be available or in-use, not ${volume.status}.` })
      }
      const options = { name: groupSnapshot.name, description: groupSnapshot.description, metadata: {} }
      const snapshot = await insertSnapshot(tx, context, volume, { ...options, groupSnapshotId: groupSnapshot.id })
      const payload = { snapshotId: snapshot.id }
      await deps.bus.cast(tx, createSnapshot, backendOf(volume.host), payload, messageContext(context))
    }
    return groupSnapshot
  })
  return { group_snapshot: { id: row.id, name: row.name, group_type_id: row.group_type_id } }
}
