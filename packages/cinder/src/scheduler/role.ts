import type { Bus } from '@hearth/bus'
import type { Logger, Running } from '@hearth/core'
import type { Database } from '@hearth/database'
import { openHeartbeat } from '../model/services/heartbeat.ts'
import {
  scheduleExtend,
  scheduleMigration,
  scheduleRetype,
  schedulerTarget,
  scheduleVolume as scheduleTopic,
} from '../model/topics.ts'
import { openConsumption } from './consumption.ts'
import { scheduleExtension } from './extend.ts'
import { scheduleMigrating } from './migrate.ts'
import { recoverScheduling } from './recover.ts'
import { openRefresh } from './refresh.ts'
import { scheduleRetyping } from './retype.ts'
import { type SchedulerDeps, scheduleVolume } from './schedule.ts'

export interface SchedulerOptions {
  database: Database
  bus: Bus
  log: Logger
  /** Name of this host. */
  hostName: string
  /** Default `nova`. */
  availabilityZone?: string
}

/** Starts the scheduler role, which chooses pools for volumes. */
export async function startScheduler(options: SchedulerOptions): Promise<Running> {
  const { database, bus, log, hostName: host, availabilityZone: zone = 'nova' } = options
  const deps: SchedulerDeps = {
    database,
    bus,
    log,
    consumption: openConsumption(),
    refresh: openRefresh(database, bus),
  }
  await recoverScheduling(deps)
  await bus.serve(scheduleTopic, schedulerTarget, ({ context, payload }) => scheduleVolume(context, payload, deps))
  await bus.serve(scheduleExtend, schedulerTarget, ({ context, payload }) => scheduleExtension(context, payload, deps))
  await bus.serve(scheduleRetype, schedulerTarget, ({ context, payload }) => scheduleRetyping(context, payload, deps))
  await bus.serve(scheduleMigration, schedulerTarget, ({ context, payload }) =>
    scheduleMigrating(context, payload, deps),
  )
  const heartbeat = await openHeartbeat({ database, log, host, binary: 'cinder-scheduler', zone })
  return { close: () => heartbeat.close() }
}
