import type { MessageContext } from '@hearth/bus'
import { addMessage } from '../model/messages/store.ts'
import type { Pool } from '../model/pools/pools.ts'
import type { PlacementRequest } from '../model/pools/request.ts'
import { getVolumeType } from '../model/types/store.ts'
import { beginMigration, endMigration } from '../model/volumes/migration.ts'
import { findVolume, lockVolume, type VolumeRow } from '../model/volumes/store.ts'
import { rankPoolsWithRefresh, type SchedulerDeps } from './schedule.ts'

/**
 * Begins a migration that is `starting`, if the destination backend (`host1@file`) or pool passes the filters.
 * Otherwise the volume stays, its migration ends in `error`, and a user message is added.
 */
export async function scheduleMigrating(
  context: MessageContext,
  input: { volumeId: string; host: string },
  deps: SchedulerDeps,
): Promise<void> {
  const { database, bus, consumption, log } = deps
  const volume = await findVolume(database.query, input.volumeId)
  if (volume?.migration_status !== 'starting') return
  const request = await moveRequest(volume, volume.volume_type_id, deps)
  const wanted = (pool: Pool) => pool.host === input.host || pool.backend === input.host
  const [pool] = await rankPoolsWithRefresh(context, request, deps, wanted)
  if (!pool)
    log.warn(
      { volumeId: volume.id, requestId: context.requestId },
      'no pool for a migration; the volume stays on its backend',
    )
  await database.transaction(async (tx) => {
    const source = await lockVolume(tx, volume.id)
    if (source.migration_status !== 'starting') return
    if (pool) return beginMigration(tx, bus, context, { source, host: pool.host, typeId: source.volume_type_id })
    await endMigration(tx, source, 'error', {})
    await addMessage(tx, {
      projectId: source.project_id,
      action: 'schedule-volume',
      resourceType: 'VOLUME',
      resourceId: source.id,
      detail: 'no-backend',
      requestId: context.requestId,
    })
  })
  if (pool) consumption.add(pool, volume.size)
}

/** Returns the placement request of an existing volume that may move to another pool. */
export async function moveRequest(
  volume: VolumeRow,
  typeId: string | null,
  { database }: SchedulerDeps,
): Promise<PlacementRequest> {
  return {
    volumeId: volume.id,
    sizeGiB: volume.size,
    type: await getVolumeType(database.query, typeId ?? ''),
    zone: volume.availability_zone,
    excluded: [],
    pinned: null,
    currentPool: null,
    hints: null,
  }
}
