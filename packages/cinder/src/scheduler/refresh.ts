import type { Bus, MessageContext } from '@hearth/bus'
import type { Database } from '@hearth/database'
import { listServices } from '../services/store.ts'
import { reportStats } from '../topics.ts'

const waitMs = 5000
/** Those who ask while an answer is this fresh get no newer one. */
const freshMs = 500

/** Has every backend tell how full it is now: before somebody is told that there is no room, stale reports are no excuse. */
export type Refresh = (context: MessageContext) => Promise<void>

export function openRefresh(database: Database, bus: Bus): Refresh {
  let running: Promise<void> | undefined
  let endedAt = 0
  const work = async (context: MessageContext): Promise<void> => {
    const services = await listServices(database.query, { binary: 'cinder-volume' })
    // Also those that look down: after a restart of everything they may be about to come up.
    const calls = services
      .filter((one) => !one.disabled)
      .map(({ host }) => bus.call(reportStats, host, {}, context, waitMs))
    await Promise.allSettled(calls)
    endedAt = Date.now()
  }
  return async (context) => {
    if (Date.now() - endedAt < freshMs) return
    running ??= work(context).finally(() => {
      running = undefined
    })
    await running
  }
}
