import type { MessageContext } from '@hearth/bus'
import { move, type Transaction } from '@hearth/database'
import { giveQuota, takeQuota } from '../quotas/store.ts'
import { getVolumeType } from '../types/store.ts'
import { typeNameOf } from '../volumes/quota.ts'
import type { RetypeTask } from '../volumes/retype.ts'
import { volumeStates } from '../volumes/states.ts'
import { findVolume, type VolumeRow } from '../volumes/store.ts'
import { place } from './place.ts'
import { readPools } from './pools.ts'
import type { SchedulerDeps } from './schedule.ts'

/**
 * Gives a volume in `retyping` its new type when the pool it is in satisfies that type; else it keeps the old one. The quota
 * of the new type was taken when the request came.
 */
export async function scheduleRetyping(
  context: MessageContext,
  input: { volumeId: string },
  deps: SchedulerDeps,
): Promise<void> {
  const { database, log } = deps
  const volume = await findVolume(database.query, input.volumeId)
  if (volume?.status !== 'retyping') return
  const task = JSON.parse(volume.task ?? '{}') as RetypeTask
  const type = await getVolumeType(database.query, task.newTypeId)
  const pools = (await readPools(database.query)).filter((pool) => pool.host === volume.host)
  const request = {
    volumeId: volume.id,
    sizeGiB: volume.size,
    type,
    zone: volume.availability_zone,
    excluded: [],
    pinned: null,
    present: volume.host,
    hints: null,
  }
  const fits = place(pools, request).length > 0
  if (!fits)
    log.warn({ volumeId: volume.id, requestId: context.requestId }, 'retype needs a migration, which is not done')
  await database.transaction((tx) => endRetype(tx, volume, task, fits))
}

async function endRetype(tx: Transaction, volume: VolumeRow, task: RetypeTask, fits: boolean): Promise<void> {
  const set: Record<string, unknown> = { task: null, previous_status: null }
  if (fits) {
    set.volume_type_id = task.newTypeId
    set.multiattach = task.multiattach
  }
  const to = volume.previous_status ?? 'available'
  const states = volumeStates
  if (!(await move(tx, { table: 'volumes', id: volume.id, to, states, from: 'retyping', set }))) return
  if (fits || !volume.use_quota) return
  const deltas = { volumes: 1, gigabytes: volume.size }
  const projectId = volume.project_id
  await giveQuota(tx, { projectId, deltas, volumeTypeName: await typeNameOf(tx, task.newTypeId) })
  // What is given back to the one is taken for the other; it had been taken before, so no limit is new.
  await takeQuota(tx, { projectId, deltas, volumeTypeName: await typeNameOf(tx, volume.volume_type_id) })
}
