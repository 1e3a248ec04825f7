import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { login, until } from '../client.ts'
import type { Started } from '../start.ts'
import type { HostileOrders, HostileReport } from './hostile-client.ts'
import { residentMiB } from './memory.ts'

const root = join(import.meta.dirname, '..', '..')
const objectMiB = 32
const giveUpMs = 30_000

interface Siege {
  report: HostileReport
  /** Growth of the suite's resident memory at most, MiB. */
  grewMiB: number
  /** Open files of the suite before, at most, and when they have come back or 90 s are over. */
  files: { before: number; most: number; after: number }
  /** Slowest health checks, ms, by service. */
  health: Record<string, number>
  /** How many answers the health checks gave, and how many of them took over a second. */
  answers: { all: number; late: number }
}

type Place = Pick<Started, 'urls' | 'demo' | 'pid'>

/**
 * Lets a process of its own attack the suite on many connections at once, and measures from this one. A health check
 * without a response counts as late. Throws when one responds with an error.
 */
export async function besiege(
  place: Place,
  options: Pick<HostileOrders, 'connections' | 'seconds' | 'only'>,
): Promise<Siege> {
  const publicObject = await putPublicObject(place)
  const ports = Object.fromEntries(
    Object.entries(place.urls).map(([service, url]) => [service, Number(new URL(url).port)]),
  ) as HostileOrders['ports']
  const orders: HostileOrders = { ports, publicObject, ...options }
  const files = { before: openFiles(place.pid), most: 0, after: 0 }
  const memory = residentMiB(place.pid)
  let grewMiB = 0
  const look = setInterval(() => {
    grewMiB = Math.max(grewMiB, residentMiB(place.pid) - memory)
    files.most = Math.max(files.most, openFiles(place.pid))
  }, 500)
  const client = execa(
    join(root, 'node_modules', '.bin', 'node'),
    [join(import.meta.dirname, 'hostile-client.ts'), JSON.stringify(orders)],
    { cwd: root },
  )
  try {
    const { health, answers } = await askHealth(place, client)
    const { stdout } = await client
    files.after = await until(
      async () => openFiles(place.pid),
      (count) => count <= files.before + 10,
      90,
    ).catch(() => openFiles(place.pid))
    return { report: JSON.parse(stdout) as HostileReport, grewMiB: Math.round(grewMiB), files, health, answers }
  } finally {
    clearInterval(look)
    client.kill('SIGKILL')
  }
}

const openFiles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

async function putPublicObject({ urls, demo }: Place): Promise<string> {
  const client = await login(urls, demo)
  await client.must('object', 'PUT', '/besieged', { headers: { 'x-container-read': '.r:*' } })
  await client.must('object', 'PUT', '/besieged/large', { body: Buffer.alloc(objectMiB * 1024 * 1024) })
  return `/v1/AUTH_${client.projectId}/besieged/large`
}

/** Asks all health checks again and again until the client has ended. */
async function askHealth({ urls }: Place, client: PromiseLike<unknown>): Promise<Pick<Siege, 'health' | 'answers'>> {
  let over = false
  const stop = (): void => {
    over = true
  }
  client.then(stop, stop)
  const health: Record<string, number> = {}
  const answers = { all: 0, late: 0 }
  const follow = async ([service, base]: [string, string]): Promise<void> => {
    while (!over) {
      const begun = performance.now()
      const response = await fetch(new URL('/healthcheck', base), {
        headers: { connection: 'close' },
        signal: AbortSignal.timeout(giveUpMs),
      }).catch(() => null)
      await response?.arrayBuffer()
      if (response && !response.ok) throw new Error(`the health check of ${service} returns ${response.status}`)
      const ms = Math.round(performance.now() - begun)
      health[service] = Math.max(health[service] ?? 0, ms)
      answers.all++
      if (ms > 1000) answers.late++
      await new Promise((done) => setTimeout(done, 100))
    }
  }
  await Promise.all(Object.entries(urls).map(follow))
  return { health, answers }
}
