import type { Context } from '@hearth/core'
import { move } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../../model/errors.ts'
import { snapshotStates } from '../../../model/snapshots/states.ts'
import { snapshotsOf } from '../../../model/snapshots/store.ts'
import { messageContext, revertVolume as revertTopic } from '../../../model/topics.ts'
import { volumeStates } from '../../../model/volumes/states.ts'
import { backendOf, lockVolume } from '../../../model/volumes/store.ts'
import type { RevertTask } from '../../../model/volumes/tasks.ts'
import type { ApiDeps } from '../../deps.ts'
import { getSnapshotFor } from '../../snapshots/authorize.ts'
import { getVolumeFor } from '../authorize.ts'

/** revert: restores a volume from its latest snapshot. */
export async function revertVolume(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const q = deps.database.query
  const volume = await getVolumeFor(context, q, request.params.id!, 'volume:revert_to_snapshot')
  const { snapshot_id } = (request.body as { revert: { snapshot_id: string } }).revert
  const snapshot = await getSnapshotFor(context, q, snapshot_id, 'volume:get_snapshot')
  await deps.database.transaction(async (tx) => {
    const locked = await lockVolume(tx, volume.id)
    const latest = (await snapshotsOf(tx, locked.id)).at(-1)
    if (latest?.id !== snapshot.id) {
      throw errors.InvalidParameter({ reason: `Volume ${locked.id} can only be reverted to its latest snapshot.` })
    }
    if (snapshot.size !== locked.size) {
      throw errors.InvalidParameter({
        reason: `Can't revert volume ${locked.id} to its latest snapshot. The volume size must be equal to the snapshot size.`,
      })
    }
    const task: RevertTask = { snapshotId: snapshot.id }
    const set = { previous_status: locked.status, task: JSON.stringify(task) }
    const reverting = await move(tx, {
      table: 'volumes',
      id: locked.id,
      to: 'reverting',
      states: volumeStates,
      from: 'available',
      set,
    })
    const states = snapshotStates
    const restoring =
      reverting && (await move(tx, { table: 'snapshots', id: snapshot.id, to: 'restoring', states, from: 'available' }))
    if (!restoring)
      throw errors.Conflict({ reason: `Volume ${locked.id} and snapshot ${snapshot.id} must be available to revert.` })
    await deps.bus.cast(tx, revertTopic, backendOf(locked.host!), { volumeId: locked.id }, messageContext(context))
  })
  return undefined
}
