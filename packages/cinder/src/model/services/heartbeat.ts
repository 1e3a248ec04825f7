import type { Logger } from '@hearth/core'
import type { Database } from '@hearth/database'
import { type Heartbeat, markStopped, recordHeartbeat } from './store.ts'

const everyMs = 10_000

interface HeartbeatOptions {
  database: Database
  log: Logger
  host: string
  binary: string
  zone: string
  /** Returns the stats of the backend; called before each heartbeat. */
  stats?(): Promise<Heartbeat['stats']>
}

export interface HeartbeatTimer {
  /** Id of the service's row. */
  serviceId: string
  /** Sends a heartbeat now, e.g. because the scheduler needs a new report of capacity. */
  sendNow(): Promise<void>
  close(): Promise<void>
}

/**
 * Records a heartbeat with the stats of the backend at once and then every ten seconds. Closing it marks the service as
 * stopped. Throws if the first heartbeat fails.
 */
export async function openHeartbeat(options: HeartbeatOptions): Promise<HeartbeatTimer> {
  const { database, log, host, binary, zone } = options
  const send = async (): Promise<string> => {
    const stats = (await options.stats?.()) ?? null
    return recordHeartbeat(database, { host, binary, zone, stats })
  }
  const serviceId = await send()
  const sendNow = async (): Promise<void> => {
    await send().catch((error: unknown) => log.warn({ err: error, host, binary }, 'heartbeat could not be recorded'))
  }
  const timer = setInterval(() => void sendNow(), everyMs)
  timer.unref()
  let closed = false
  return {
    serviceId,
    sendNow,
    async close() {
      if (closed) return
      closed = true
      clearInterval(timer)
      await markStopped(database.query, host, binary).catch(() => undefined)
    },
  }
}
