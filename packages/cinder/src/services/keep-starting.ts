import { setTimeout as sleep } from 'node:timers/promises'
import type { Running } from '@hearth/core'
import { DriverError } from '@hearth/driver'

export interface KeepStartingOptions {
  start(): Promise<Running>
  /** Told of each failure, and after how many milliseconds it is tried again. */
  onFailure(error: unknown, waitMs: number): Promise<void>
  /** Ends the trying. */
  signal: AbortSignal
  /** How long the first try may keep the caller waiting; it goes on behind its back after that. */
  patienceMs: number
}

const firstWaitMs = 1000
const longestWaitMs = 30_000

/** Starts what may fail to start for now, again and again, waiting longer each time. Answers after the first try. */
export async function keepStarting(options: KeepStartingOptions): Promise<Running> {
  const { start, onFailure, signal, patienceMs } = options
  let running: Running | undefined
  const attempt = async (waitMs: number): Promise<boolean> => {
    try {
      running = await start()
    } catch (error) {
      if (!signal.aborted) await onFailure(error, waitMs)
      return false
    }
    if (signal.aborted) await running.close()
    return true
  }
  const retry = async (): Promise<void> => {
    for (let waitMs = firstWaitMs; !signal.aborted; waitMs = Math.min(2 * waitMs, longestWaitMs)) {
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined)
      if (signal.aborted || (await attempt(Math.min(2 * waitMs, longestWaitMs)))) return
    }
  }
  const first = attempt(firstWaitMs).then((started) => {
    if (!started) void retry()
  })
  await Promise.race([first, sleep(patienceMs, undefined, { ref: false })])
  return { close: async () => running?.close() }
}

/** The answer, or DriverError `unavailable` when `what` has none within `ms`; the work itself goes on. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const stop = new AbortController()
  const late = sleep(ms, undefined, { signal: stop.signal, ref: false }).then(() => {
    throw new DriverError('unavailable', `${what}: no answer within ${ms / 1000} s`)
  })
  late.catch(() => undefined)
  return Promise.race([work, late]).finally(() => stop.abort())
}
