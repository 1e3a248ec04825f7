import type { Bus, MessageContext } from '@hearth/bus'
import type { Logger } from '@hearth/core'
import { type Database, move, type Transaction } from '@hearth/database'
import { addMessage } from '../model/messages/store.ts'
import type { MessageDetail } from '../model/messages/texts.ts'
import { type Pool, readPools } from '../model/pools/pools.ts'
import type { PlacementRequest } from '../model/pools/request.ts'
import { createVolume } from '../model/topics.ts'
import { getVolumeType } from '../model/types/store.ts'
import { volumeStates } from '../model/volumes/states.ts'
import { findVolume, type VolumeRow } from '../model/volumes/store.ts'
import type { CreationTask } from '../model/volumes/tasks.ts'
import type { Consumption } from './consumption.ts'
import { rankPools } from './rank-pools.ts'
import type { Refresh } from './refresh.ts'

export interface SchedulerDeps {
  database: Database
  bus: Bus
  log: Logger
  consumption: Consumption
  refresh: Refresh
}

/**
 * Returns the pools for a request, best first. If there are none, requests new reports from all backends and tries
 * again.
 */
export async function rankPoolsWithRefresh(
  context: MessageContext,
  request: PlacementRequest,
  deps: SchedulerDeps,
  among: (pool: Pool) => boolean = () => true,
): Promise<Pool[]> {
  const { database, consumption } = deps
  const rank = async () => rankPools(consumption.apply(await readPools(database.query)).filter(among), request)
  const found = await rank()
  if (found.length > 0) return found
  await deps.refresh(context)
  return rank()
}

/**
 * Chooses a pool for a volume in `creating` and casts the volume to its backend. If no pool fits, sets `error` and adds
 * a user message. A message whose attempt differs from the row's is stale and does nothing.
 */
export async function scheduleVolume(
  context: MessageContext,
  input: { volumeId: string; attempt: number; excluded: string[] },
  deps: SchedulerDeps,
): Promise<void> {
  const { database, consumption, log } = deps
  const volume = await findVolume(database.query, input.volumeId)
  if (volume?.status !== 'creating' || volume.host !== null || volume.attempts !== input.attempt) return
  const request = await creationRequest(deps, volume, input.excluded)
  const [best] = await rankPoolsWithRefresh(context, request, deps)
  if (!best) {
    log.warn({ volumeId: volume.id, requestId: context.requestId }, 'no pool for a new volume; it ends in error')
    return database.transaction((tx) => failVolume(tx, volume, context, 'no-backend'))
  }
  const placed = await database.transaction(async (tx) => {
    const moved = await tx('volumes')
      .where({ id: volume.id, status: 'creating', attempts: input.attempt })
      .whereNull('host')
      .update({ host: best.host, updated_at: Date.now() })
    if (moved === 0) return false
    const payload = { volumeId: volume.id, excluded: input.excluded }
    await deps.bus.cast(tx, createVolume, best.backend, payload, context)
    return true
  })
  if (placed) consumption.add(best, volume.size)
}

async function creationRequest(deps: SchedulerDeps, volume: VolumeRow, excluded: string[]): Promise<PlacementRequest> {
  const task = JSON.parse(volume.task ?? '{}') as Partial<CreationTask>
  return {
    volumeId: volume.id,
    sizeGiB: volume.size,
    type: await getVolumeType(deps.database.query, volume.volume_type_id ?? ''),
    zone: volume.availability_zone,
    excluded,
    pinned: task.pinned ?? null,
    currentPool: null,
    hints: task.hints ?? null,
  }
}

/** Ends a creation in `error` with a user message. The quota stays taken until the volume is deleted. */
async function failVolume(
  tx: Transaction,
  volume: VolumeRow,
  context: MessageContext,
  detail: MessageDetail,
): Promise<void> {
  const states = volumeStates
  const failed = await move(tx, {
    table: 'volumes',
    id: volume.id,
    to: 'error',
    states,
    from: ['creating', 'downloading'],
  })
  if (!failed) return
  await addMessage(tx, {
    projectId: volume.project_id,
    action: 'schedule-volume',
    resourceType: 'VOLUME',
    resourceId: volume.id,
    detail,
    requestId: context.requestId,
  })
}
