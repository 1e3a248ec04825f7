import type { Bus, MessageContext } from '@hearth/bus'
import type { Database } from '@hearth/database'
import { listServices } from '../model/services/store.ts'
import { reportStats } from '../model/topics.ts'

const waitMs = 5000
/** Reports younger than this are not requested again. */
const freshMs = 500

/** Makes every backend report its capacity now, so that no request is refused because of stale reports. */
export type Refresh = (context: MessageContext) => Promise<void>

/**
 * Returns a function that requests new reports from all enabled volume services and waits for them, 5 seconds at most.
 */
export function openRefresh(database: Database, bus: Bus): Refresh {
  let running: Promise<void> | undefined
  let endedAt = 0
  const work = async (context: MessageContext): Promise<void> => {
    const services = await listServices(database.query, { binary: 'cinder-volume' })
    // Services that are shown as down too: after a restart of all hosts they may be about to come up.
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
