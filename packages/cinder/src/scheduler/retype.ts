import type { MessageContext } from '@hearth/bus'
import { snapshotsOf } from '../snapshots/store.ts'
import { beginMigration } from '../volumes/migration.ts'
import type { RetypeTask } from '../volumes/retype.ts'
import { endRetype } from '../volumes/retype-outcome.ts'
import { backendOf, findVolume, lockVolume, type VolumeRow } from '../volumes/store.ts'
import { requestFor } from './migrate.ts'
import { place } from './place.ts'
import { type Pool, readPools } from './pools.ts'
import { placeFreshly, type SchedulerDeps } from './schedule.ts'

/**
 * Gives a volume in `retyping` its new type when the pool it is in satisfies that type. Else it moves to one that does, if the
 * policy is `on-demand` and it is neither attached nor has snapshots; else it keeps the old type. The quota of the new type was
 * taken when the request came.
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
  const request = await requestFor(volume, task.newTypeId, deps)
  const pools = (await readPools(database.query)).filter((pool) => pool.host === volume.host)
  const fits = place(pools, { ...request, present: volume.host }).length > 0
  const mayMove = !fits && task.policy === 'on-demand' && (await isLoose(volume, deps))
  const elsewhere = (pool: Pool) => pool.backend !== backendOf(volume.host ?? '')
  const [pool] = mayMove ? await placeFreshly(context, request, deps, elsewhere) : []
  if (!fits && !pool) log.warn({ volumeId: volume.id, requestId: context.requestId }, 'a retype finds no pool')
  await database.transaction(async (tx) => {
    const source = await lockVolume(tx, volume.id)
    if (source.status !== 'retyping' || source.migration_status === 'migrating') return
    if (!pool) return endRetype(tx, source, task, fits)
    await beginMigration(tx, bus, context, { source, host: pool.host, typeId: task.newTypeId })
  })
  if (pool) consumption.add(pool, volume.size)
}

async function isLoose(volume: VolumeRow, { database }: SchedulerDeps): Promise<boolean> {
  return volume.previous_status === 'available' && (await snapshotsOf(database.query, volume.id)).length === 0
}
