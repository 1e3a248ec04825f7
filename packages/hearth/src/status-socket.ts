import { closeSync, openSync, rmSync } from 'node:fs'
import { createServer, request, type ServerResponse } from 'node:http'
import { basename, dirname, join } from 'node:path'
import type { CheckResult, Health } from './health.ts'

/** Status that a running process reports on its socket. */
interface ProcessStatus {
  /** Role → names of missing things that it needs. */
  roles: Record<string, string[]>
  checks: CheckResult[]
}

const patienceMs = 8000

/**
 * Returns the socket of the process with this pid file: `hearth.sock`, or `hearth-<first role>.sock` for a process with
 * some roles, because all of their names would be too long.
 */
export const socketOf = (pidFile: string): string => pidFile.replace(/(\+[^/]*)?\.pid$/, '.sock')

/**
 * Listens on a Unix socket in the data folder, which only the user of the suite can reach, for the health of every
 * role, also those without an API: `/healthcheck`, `/healthcheck?ready`, `/healthcheck?ready&role=cinder.volume`,
 * `/status`.
 */
export async function openStatusSocket(
  path: string,
  health: Health,
  roles: string[],
): Promise<{ close(): Promise<void> }> {
  const server = createServer((asked, reply) => {
    const url = new URL(asked.url ?? '/', 'http://localhost')
    const work = url.pathname === '/status' ? tellStatus(reply) : tellHealth(url, reply)
    work.catch(() => reply.destroy())
  })
  const tellStatus = async (reply: ServerResponse): Promise<void> => {
    reply.setHeader('content-type', 'application/json')
    reply.end(JSON.stringify(await statusOf(health, roles)))
  }
  const tellHealth = async (url: URL, reply: ServerResponse): Promise<void> => {
    const role = url.searchParams.get('role')
    if (url.pathname !== '/healthcheck' || (role !== null && !roles.includes(role))) {
      reply.writeHead(404).end()
      return
    }
    const asked = role === null ? roles : [role]
    const missing = url.searchParams.has('ready')
      ? (await Promise.all(asked.map((one) => health.readiness(one)()))).flat()
      : []
    reply.writeHead(missing.length === 0 ? 200 : 503, { 'content-type': 'text/plain' })
    reply.end(missing.length === 0 ? 'OK' : `not ready: ${[...new Set(missing)].join(', ')}`)
  }
  rmSync(path, { force: true })
  await atShortPath(path, (short) => new Promise<void>((done, fail) => server.once('error', fail).listen(short, done)))
  server.unref()
  return {
    close() {
      rmSync(path, { force: true })
      server.closeAllConnections()
      return new Promise((done) => server.close(() => done()))
    },
  }
}

async function statusOf(health: Health, roles: string[]): Promise<ProcessStatus> {
  const checks = await health.report()
  const missing = await Promise.all(roles.map(async (role) => [role, await health.readiness(role)()] as const))
  return { roles: Object.fromEntries(missing), checks }
}

/** Asks a process for its status; null when it does not respond within 8 s. */
export async function readStatus(path: string): Promise<ProcessStatus | null> {
  try {
    return await atShortPath(path, (short) => get(short, '/status'))
  } catch {
    return null
  }
}

function get(socketPath: string, path: string): Promise<ProcessStatus> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, signal: AbortSignal.timeout(patienceMs) }, (reply) => {
      const parts: Buffer[] = []
      reply.on('data', (part: Buffer) => parts.push(part))
      reply.on('end', () => resolve(JSON.parse(Buffer.concat(parts).toString()) as ProcessStatus))
      reply.on('error', reject)
    })
    asked.on('error', reject)
    asked.end()
  })
}

/** Names of sockets end after 107 bytes (unix(7)); a data folder may lie deeper, so it is named by its descriptor. */
async function atShortPath<T>(path: string, work: (short: string) => Promise<T>): Promise<T> {
  const folder = openSync(dirname(path), 'r')
  try {
    return await work(join(`/proc/self/fd/${folder}`, basename(path)))
  } finally {
    closeSync(folder)
  }
}
