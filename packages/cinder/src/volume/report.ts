import type { Logger } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { BackendStats } from '@hearth/driver'
import type { Backend } from '../model/backends.ts'
import { withTimeout } from '../model/services/keep-starting.ts'
import { allocatedOn, type ReportedStats } from '../model/services/store.ts'

/** Returns the stats of a backend that has not reported any yet: no pools, state `down`. */
export function unknownStats(backendName: string): ReportedStats {
  const nothing = { vendorName: '', driverVersion: '', storageProtocol: '', pools: [] }
  return { ...nothing, backendName, allocatedGb: {}, backendState: 'down' }
}

interface ReporterOptions {
  backend: Backend
  database: Database
  log: Logger
  responseTimeoutMs: number
  /** Called when the backend stops responding, with the reason, and when it responds again, with null. */
  onStateChange?(error: Error | null): void
}

/**
 * Reads the stats of the backend once and returns the function that heartbeats call for new ones. While the backend
 * does not respond, that function returns the last known stats with `backendState` `down`, since the service itself is
 * up. Throws DriverError if the first read fails.
 */
export async function openReporter({
  backend,
  database,
  log,
  responseTimeoutMs,
  onStateChange,
}: ReporterOptions): Promise<() => Promise<ReportedStats>> {
  let pending: Promise<BackendStats> | undefined
  // A call that hangs is not repeated: later reads wait for the same call.
  const readStats = (): Promise<BackendStats> => {
    pending ??= backend.volume.stats().finally(() => {
      pending = undefined
    })
    return withTimeout(responseTimeoutMs, `stats of the backend ${backend.host}`, pending)
  }
  let last = await readStats()
  let backendState: 'up' | 'down' = 'up'
  const setState = (state: 'up' | 'down', error?: unknown): void => {
    if (state === backendState) return
    backendState = state
    onStateChange?.(state === 'up' ? null : (error as Error))
    if (state === 'up') log.info({}, 'the backend responds again')
    else log.error({ err: error }, 'the backend does not respond: it gets no new volumes until it does')
  }
  return async () => {
    try {
      last = await readStats()
      setState('up')
    } catch (error) {
      setState('down', error)
    }
    const allocatedGb = await allocatedOn(database.query, backend.host)
    return { ...last, backendName: backend.name, allocatedGb, backendState }
  }
}
