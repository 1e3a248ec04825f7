import { setTimeout as sleep } from 'node:timers/promises'
import type { Running } from '@hearth/core'
import { DriverError } from '@hearth/driver'

interface KeepStartingOptions {
  start(): Promise<Running>
  /** Called after each failure, with the milliseconds until the next attempt. */
  onFailure(error: unknown, waitMs: number): Promise<void>
  /** Ends the attempts. */
  signal: AbortSignal
  /** Longest time in milliseconds to wait for the first attempt, which then continues in the background. */
  firstAttemptMs: number
}

const firstWaitMs = 1000
const maxWaitMs = 30_000

/**
 * Retries `start` until it succeeds or `signal` fires, with pauses that grow from 1 to 30 seconds. Resolves after the
 * first attempt, to a handle that closes the started role.
 */
export async function keepStarting(options: KeepStartingOptions): Promise<Running> {
  const { start, onFailure, signal, firstAttemptMs } = options
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
    for (let waitMs = firstWaitMs; !signal.aborted; waitMs = Math.min(2 * waitMs, maxWaitMs)) {
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined)
      if (signal.aborted || (await attempt(Math.min(2 * waitMs, maxWaitMs)))) return
    }
  }
  const first = attempt(firstWaitMs).then((started) => {
    if (!started) void retry()
  })
  await Promise.race([first, sleep(firstAttemptMs, undefined, { ref: false })])
  return { close: async () => running?.close() }
}

/** Returns the result of `work`. Throws DriverError `unavailable` after `ms` milliseconds; `work` itself continues. */
export async function withTimeout<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const stop = new AbortController()
  const late = sleep(ms, undefined, { signal: stop.signal, ref: false }).then(() => {
    throw new DriverError('unavailable', `${what}: no response within ${ms / 1000} s`)
  })
  late.catch(() => undefined)
  return Promise.race([work, late]).finally(() => stop.abort())
}
