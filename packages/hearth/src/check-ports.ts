import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { errorTable } from '@hearth/core'
import type { Config } from './config-types.ts'
import { hasStorageListener } from './role-names.ts'
import { hostAndPort } from './urls.ts'

const errors = errorTable({
  PortsTaken: [409, '{list}'],
})

interface Listener {
  /** Key of the configuration that names the port. */
  key: string
  host: string
  port: number
}

const services = [
  ['keystone.api', 'identity'],
  ['swift.proxy', 'object'],
  ['glance.api', 'image'],
  ['cinder.api', 'volume'],
] as const

/** Where these roles will listen. */
function listenersOf(config: Config, roles: string[]): Listener[] {
  const apis = services
    .filter(([role]) => roles.includes(role))
    .map(([, part]): Listener => ({ key: `${part}.port`, host: config.host, port: config[part].port }))
  if (hasStorageListener(config, roles))
    apis.push({ key: 'object.storageAddress', ...hostAndPort(config.object.storageAddress) })
  if (config.metrics.address !== null) apis.push({ key: 'metrics.address', ...hostAndPort(config.metrics.address) })
  return apis
}

/** Throws PortsTaken, which names every address that cannot be listened on, its key, its variable and who has it. */
export async function checkPorts(config: Config, roles: string[]): Promise<void> {
  const tried = await Promise.all(listenersOf(config, roles).map(async (one) => ({ ...one, why: await tryPort(one) })))
  const taken = tried.filter(({ why }) => why !== null)
  if (taken.length === 0) return
  const list = taken.map(({ key, host, port, why }) => {
    const holder = why === 'EADDRINUSE' ? holderOf(port) : null
    const words = new Map([
      ['EADDRINUSE', `is in use${holder === null ? '' : ` by ${holder}`}`],
      ['EADDRNOTAVAIL', 'is no address of this host'],
      ['EACCES', 'needs root'],
    ])
    return `${key}: ${host}:${port} ${words.get(why!) ?? `cannot be listened on (${why})`}; choose another with ${key} or ${variableOf(key)}`
  })
  throw errors.PortsTaken({ list: list.join('\n') })
}

const variableOf = (key: string): string => `HEARTH_${key.replaceAll('.', '__').replace(/[A-Z]/g, '_$&').toUpperCase()}`

/** The system's word against listening there; null when nothing is. */
async function tryPort({ host, port }: Listener): Promise<string | null> {
  const server = createServer()
  try {
    await new Promise<void>((done, fail) => {
      server.once('error', fail)
      server.listen({ host, port, exclusive: true }, done)
    })
    return null
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  } finally {
    await new Promise<void>((done) => server.close(() => done()))
  }
}

/**
 * Returns the name and process that listen on a TCP port (proc(5)); null when there is none, or when it is another
 * user's.
 */
export function holderOf(port: number): string | null {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const inodes = new Set<string>()
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of read(table).split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/)
      // 0A is LISTEN.
      if (fields[1]?.endsWith(`:${hex}`) && fields[3] === '0A') inodes.add(`socket:[${fields[9]}]`)
    }
  }
  if (inodes.size === 0) return null
  const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && filesOf(name).some((file) => inodes.has(file)))
  return pid === undefined ? null : `${read(`/proc/${pid}/comm`).trim()} (process ${pid})`
}

function filesOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`)
      } catch {
        return ''
      }
    })
  } catch {
    return []
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
