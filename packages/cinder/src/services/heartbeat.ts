import type { Logger } from '@hearth/core'
import type { Database } from '@hearth/database'
import { beat, type Heartbeat, rest } from './store.ts'

const everyMs = 10_000

export interface HeartbeatOptions {
  database: Database
  log: Logger
  host: string
  binary: string
  zone: string
  /** Asked before each beat. */
  stats?(): Promise<Heartbeat['stats']>
}

export interface Pulse {
  /** Id of the service's row. */
  serviceId: string
  /** Beats now, e.g. when capacity has changed much. */
  beat(): Promise<void>
  close(): Promise<void>
}

/** Tells at once and then every ten seconds that a service lives, and how its backend does. */
export async function openHeartbeat(options: HeartbeatOptions): Promise<Pulse> {
  const { database, log, host, binary, zone } = options
  const tell = async (): Promise<string> => {
    const stats = (await options.stats?.()) ?? null
    return beat(database, { host, binary, zone, stats })
  }
  const serviceId = await tell()
  const again = async (): Promise<void> => {
    await tell().catch((error: unknown) => log.warn({ err: error, host, binary }, 'heartbeat failed'))
  }
  const timer = setInterval(() => void again(), everyMs)
  timer.unref()
  let closed = false
  return {
    serviceId,
    beat: again,
    async close() {
      if (closed) return
      closed = true
      clearInterval(timer)
      await rest(database.query, host, binary).catch(() => undefined)
    },
  }
}
