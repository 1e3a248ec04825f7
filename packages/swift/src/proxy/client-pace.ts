import { refuse } from '../model/response.ts'

/** How slow a client may be. */
export interface ClientPace {
  /** How long a client may pause, milliseconds; Swift's client_timeout. */
  timeoutMs: number
  /** A body that comes in slower than this over `timeoutMs` is given up. */
  bytesPerSecond: number
}

export const defaultPace: ClientPace = { timeoutMs: 60_000, bytesPerSecond: 1024 }

/**
 * Returns a function that waits for the next piece of a client's body. It throws 408 when the client pauses too long,
 * or sends too little in the time spent waiting for it; the time spent on storing does not count.
 */
export function paceOf(pace: ClientPace): (work: Promise<IteratorResult<Buffer>>) => Promise<IteratorResult<Buffer>> {
  let waitedMs = 0
  let received = 0
  return async (work) => {
    const begun = performance.now()
    const result = await inTime(work, pace.timeoutMs)
    if (result.done) return result
    waitedMs += performance.now() - begun
    received += result.value.length
    if (waitedMs < pace.timeoutMs) return result
    if (received < (pace.bytesPerSecond * waitedMs) / 1000) throw refuse(408)
    waitedMs = 0
    received = 0
    return result
  }
}

async function inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(refuse(408)), timeoutMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
