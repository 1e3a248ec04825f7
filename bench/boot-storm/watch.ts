import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '../cloud/session.ts'
import { listVolumes } from '../cloud/volumes.ts'

/** Reads the states of all volumes with one list request, as a dashboard would, instead of one request for each. */
export interface Watch {
  /**
   * Resolves with the status once `done` says so; undefined stands for a volume that is not there (any more).
   * Rejects after `timeoutSeconds`, or when the list cannot be read for that long.
   */
  until(volumeId: string, done: (status: string | undefined) => boolean): Promise<string | undefined>
  close(): void
}

interface Waiter {
  volumeId: string
  done(status: string | undefined): boolean
  /** A list requested before this instant (of performance.now) may not show the volume yet. */
  since: number
  deadline: number
  last: string | undefined
  resolve(status: string | undefined): void
  reject(error: Error): void
}

/** Returns a watch that lists the volumes every `intervalSeconds` for as long as a caller waits. */
export function openWatch(session: Session, options: { intervalSeconds: number; timeoutSeconds: number }): Watch {
  const waiters = new Set<Waiter>()
  let closed = false
  let running = false

  const look = async (): Promise<void> => {
    const asked = performance.now()
    let problem = ''
    let states: Map<string, string> | null = null
    try {
      states = new Map((await listVolumes(session)).map((volume) => [volume.id, volume.status]))
    } catch (error) {
      problem = ` (${(error as Error).message})`
    }
    for (const waiter of waiters) notifyWaiter(waiter, waiters, states, asked, problem)
  }

  const loop = async (): Promise<void> => {
    running = true
    while (waiters.size > 0 && !closed) {
      const began = performance.now()
      await look()
      // A slow cloud is polled less often, so that the watch itself does not become the load.
      const took = (performance.now() - began) / 1000
      await sleep(Math.max(options.intervalSeconds, 2 * took) * 1000)
    }
    running = false
  }

  return {
    until(volumeId, done) {
      return new Promise((resolve, reject) => {
        const since = performance.now()
        const deadline = since + options.timeoutSeconds * 1000
        waiters.add({ volumeId, done, since, deadline, last: undefined, resolve, reject })
        if (!running) void loop()
      })
    },
    close() {
      closed = true
      for (const waiter of waiters) waiter.reject(new Error('stopped'))
      waiters.clear()
    },
  }
}

function notifyWaiter(
  waiter: Waiter,
  waiters: Set<Waiter>,
  states: Map<string, string> | null,
  asked: number,
  problem: string,
): void {
  if (states && asked >= waiter.since) {
    waiter.last = states.get(waiter.volumeId)
    if (waiter.done(waiter.last)) {
      waiters.delete(waiter)
      waiter.resolve(waiter.last)
      return
    }
  }
  if (performance.now() < waiter.deadline) return
  waiters.delete(waiter)
  waiter.reject(new Error(`gave up waiting, last seen as ${waiter.last ?? 'missing'}${problem}`))
}
