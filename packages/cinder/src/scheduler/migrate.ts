import type { MessageContext } from '@hearth/bus'
import { addMessage } from '../messages/store.ts'
import { getVolumeType } from '../types/store.ts'
import { beginMigration, endMigration } from '../volumes/migration.ts'
import { findVolume, lockVolume, type VolumeRow } from '../volumes/store.ts'
import type { Pool } from './pools.ts'
import type { PlacementRequest } from './request.ts'
import { rankPoolsWithRefresh, type SchedulerDeps } from './schedule.ts'

/**
 * Hands a volume whose migration is `starting` to the backend (`host1@file`) or pool it shall move to, when that passes
 * the filters; else the volume stays and its migration is in `error`.
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
  if (!pool) log.warn({ volumeId: volume.id, requestId: context.requestId }, 'a volume does not fit where it shall go')
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

/** What to ask the filters when a volume looks for another pool than its own. */
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
