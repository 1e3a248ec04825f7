import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export { Counter, Gauge, Histogram, Registry }

/** One registry a process; each service adds its own label. */
export function openMetrics(): Registry {
  return new Registry()
}
