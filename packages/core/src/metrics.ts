import { createHash, timingSafeEqual } from 'node:crypto'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export { Counter, Gauge, Histogram, Registry }

/** One registry a process; each service adds its own label. */
export function openMetrics(): Registry {
  return new Registry()
}

/** Whether an Authorization header is `Bearer` and this token; compared in constant time. */
export function bearsToken(authorization: string | undefined, token: string): boolean {
  const given = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  if (given === undefined) return false
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(token))
}

/** Paths that programs ask again and again: they write no line to the log of requests. */
export function isProbe(path: string): boolean {
  return path === '/healthcheck' || path === '/metrics'
}
