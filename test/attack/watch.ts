import { suite } from '../suite.ts'

/** The slowest answer of each service's health check, in milliseconds, while an attack ran. */
type Slowest = Record<'identity' | 'volume' | 'image' | 'object', number>

/**
 * The longest a health check may take during an attack, in milliseconds. It takes less than a second on a quiet machine;
 * the tests share two cores with others. What they guard against took 15 s and more.
 */
export const longestHealthMs = 4000

const pauseMs = 100
const giveUpMs = 20_000

/**
 * Runs `attack` and asks the health check of all four services again and again until it ends.
 * Returns the result of the attack and the slowest answers. Throws when a health check fails or takes over 20 s.
 */
export async function watchHealth<T>(attack: () => Promise<T>): Promise<{ result: T; slowest: Slowest }> {
  const urls = suite().urls
  const slowest: Slowest = { identity: 0, volume: 0, image: 0, object: 0 }
  const stop = new AbortController()
  const watch = async (service: keyof Slowest): Promise<void> => {
    const url = new URL('/healthcheck', urls[service])
    while (!stop.signal.aborted) {
      const begun = performance.now()
      const response = await fetch(url, { signal: AbortSignal.timeout(giveUpMs) })
      await response.arrayBuffer()
      if (!response.ok) throw new Error(`${url} returned ${response.status}`)
      slowest[service] = Math.max(slowest[service], performance.now() - begun)
      await new Promise((done) => setTimeout(done, pauseMs))
    }
  }
  const watches = Promise.all((Object.keys(slowest) as (keyof Slowest)[]).map(watch))
  try {
    const result = await Promise.race([attack(), watches.then(() => Promise.reject(new Error('the watch ended')))])
    stop.abort()
    await watches
    return { result, slowest }
  } finally {
    stop.abort()
  }
}
