import { createReadStream, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { residentMiB } from '../attack/memory.ts'
import type { Place } from './target.ts'

export interface Watched {
  /** Growth of the suite's first process since the watch began, MiB. */
  grewMiB(): number
  alive(): boolean
  /** Stops; returns the slowest answer of a health check, and what was wrong. */
  close(): Promise<{ slowestMs: number; problems: string[] }>
}

const slowMs = 1000
const giveUpMs = 20_000
const pauseMs = 250
const loose = /unhandled ?rejection|uncaught ?exception|ERR_UNHANDLED/i

/** Resident memory, MiB; 0 for a process that has ended. */
export function residentOrZero(pid: number): number {
  try {
    return residentMiB(pid)
  } catch {
    return 0
  }
}

/** Watches the four health checks, the memory and the log of a suite. A slow health check counts when three more are slow. */
export async function watchSuite(place: Place): Promise<Watched> {
  const base = residentOrZero(place.pid)
  const logs = ['log/hearth.log', 'out-up.txt'].map((name) => join(place.dataFolder, name)).filter(existsSync)
  const starts = new Map(logs.map((file) => [file, statSync(file).size]))
  const stop = new AbortController()
  const problems: string[] = []
  let slowestMs = 0
  const ask = async (url: URL): Promise<number> => {
    const begun = performance.now()
    const response = await fetch(url, { signal: AbortSignal.timeout(giveUpMs), headers: { connection: 'close' } })
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`${url.pathname} returned ${response.status}`)
    const ms = Math.round(performance.now() - begun)
    slowestMs = Math.max(slowestMs, ms)
    return ms
  }
  const follow = async (service: keyof Place['urls']): Promise<void> => {
    const url = new URL('/healthcheck', place.urls[service])
    while (!stop.signal.aborted) {
      let fastest = await ask(url)
      for (let again = 0; again < 3 && fastest > slowMs; again++) fastest = Math.min(fastest, await ask(url))
      if (fastest > slowMs) throw new Error('takes over 1 s again and again')
      await new Promise((done) => setTimeout(done, pauseMs))
    }
  }
  const services = Object.keys(place.urls) as (keyof Place['urls'])[]
  const watches = services.map((service) =>
    follow(service).catch((error: unknown) => {
      if (!stop.signal.aborted) problems.push(`the health check of ${service}: ${String(error)}`)
    }),
  )
  return {
    grewMiB: () => residentOrZero(place.pid) - base,
    alive: () => residentOrZero(place.pid) > 0,
    async close() {
      stop.abort()
      await Promise.all(watches)
      for (const [file, start] of starts) problems.push(...(await looseErrors(file, start)))
      return { slowestMs, problems: problems.slice(0, 5) }
    },
  }
}

/** Lines about errors that nobody handled, written after `start`. */
async function looseErrors(file: string, start: number): Promise<string[]> {
  const found: string[] = []
  const lines = createInterface({ input: createReadStream(file, { start }) })
  for await (const line of lines) if (loose.test(line)) found.push(`the log has: ${line.slice(0, 2000)}`)
  return found
}
