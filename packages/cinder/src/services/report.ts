import type { Logger } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { BackendStats } from '@hearth/driver'
import type { Backend } from '../backends.ts'
import { within } from './keep-starting.ts'
import { allocatedOn, type ReportedStats } from './store.ts'

/** What is told of a backend that has said nothing yet. */
export function unknownStats(backendName: string): ReportedStats {
  const nothing = { vendorName: '', driverVersion: '', storageProtocol: '', pools: [] }
  return { ...nothing, backendName, allocatedGb: {}, backendState: 'down' }
}

interface ReporterOptions {
  backend: Backend
  database: Database
  log: Logger
  patienceMs: number
  /** Told when the backend stops answering, and why, and when it answers again. */
  onTurn?(error: Error | null): void
}

/**
 * Asks the backend for its stats; a reporter of them for heartbeats. When the backend stops answering it says what was
 * known last, with `backendState` `down`: the service itself lives. Throws when the first question fails.
 */
export async function openReporter({
  backend,
  database,
  log,
  patienceMs,
  onTurn,
}: ReporterOptions): Promise<() => Promise<ReportedStats>> {
  let pending: Promise<BackendStats> | undefined
  // A question that hangs is not asked a second time.
  const ask = (): Promise<BackendStats> => {
    pending ??= backend.volume.stats().finally(() => {
      pending = undefined
    })
    return within(patienceMs, `stats of the backend ${backend.host}`, pending)
  }
  let last = await ask()
  let backendState: 'up' | 'down' = 'up'
  const turn = (state: 'up' | 'down', error?: unknown): void => {
    if (state === backendState) return
    backendState = state
    onTurn?.(state === 'up' ? null : (error as Error))
    if (state === 'up') log.info({}, 'the backend answers again')
    else log.error({ err: error }, 'the backend does not answer: it gets no new volumes until it does')
  }
  return async () => {
    try {
      last = await ask()
      turn('up')
    } catch (error) {
      turn('down', error)
    }
    const allocatedGb = await allocatedOn(database.query, backend.host)
    return { ...last, backendName: backend.name, allocatedGb, backendState }
  }
}
