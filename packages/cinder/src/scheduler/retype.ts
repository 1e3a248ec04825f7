import type { MessageContext } from '@hearth/bus'
import { type Pool, readPools } from '../model/pools/pools.ts'
import { snapshotsOf } from '../model/snapshots/store.ts'
import { beginMigration } from '../model/volumes/migration.ts'
import { endRetype } from '../model/volumes/retype-outcome.ts'
import { backendOf, findVolume, lockVolume, type VolumeRow } from '../model/volumes/store.ts'
import type { RetypeTask } from '../model/volumes/tasks.ts'
import { moveRequest } from './migrate.ts'
import { rankPools } from './rank-pools.ts'
import { rankPoolsWithRefresh, type SchedulerDeps } from './schedule.ts'

/**
 * Gives a volume in `retyping` its new type if its pool satisfies that type. Otherwise migrates it to a pool that does,
 * if the policy is `on-demand` and it has no attachments and no snapshots. Otherwise it keeps the old type. The request
 * has already taken the quota of the new type.
 */
export async function scheduleRetyping(
  context: MessageContext,
  input: { volumeId: string },
  deps: SchedulerDeps,
): Promise<void> {
  const { database, bus, consumption, log } = deps
  const volume = await findVolume(database.query, input.volumeId)
  if (volume?.status !== 'retyping' || volume.migration_status === 'migrating') return
  const task = JSON.parse(volume.task ?? '{}') as RetypeTask
  const request = await moveRequest(volume, task.newTypeId, deps)
  const pools = (await readPools(database.query)).filter((pool) => pool.host === volume.host)
  const fits = rankPools(pools, { ...request, currentPool: volume.host }).length > 0
  const canMove = !fits && task.policy === 'on-demand' && (await isMovable(volume, deps))
  const elsewhere = (pool: Pool) => pool.backend !== backendOf(volume.host ?? '')
  const [pool] = canMove ? await rankPoolsWithRefresh(context, request, deps, elsewhere) : []
  if (!fits && !pool)
    log.warn({ volumeId: volume.id, requestId: context.requestId }, 'no pool for a retype; the volume keeps its type')
  await database.transaction(async (tx) => {
    const source = await lockVolume(tx, volume.id)
    if (source.status !== 'retyping' || source.migration_status === 'migrating') return
    if (!pool) return endRetype(tx, source, task, fits)
    await beginMigration(tx, bus, context, { source, host: pool.host, typeId: task.newTypeId })
  })
  if (pool) consumption.add(pool, volume.size)
}

async function isMovable(volume: VolumeRow, { database }: SchedulerDeps): Promise<boolean> {
  return volume.previous_status === 'available' && (await snapshotsOf(database.query, volume.id)).length === 0
}
