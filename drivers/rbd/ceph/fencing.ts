import { createHash } from 'node:crypto'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { DriverLog } from '@hearth/driver'
import type { Pool } from './librados.ts'
import { poolMetadata, removePoolMetadata, setPoolMetadata } from './librbd.ts'

/** Prefix of the pool metadata keys under which each process that uses the pool registers. */
const prefix = 'hearth.client.'

interface Registered {
  /** Hash of host, boot and PID namespace: process numbers are comparable only within one. */
  place: string
  pid: number
  /** Clock ticks from the boot to the start of the process; differs for a later process with the same number. */
  startedAt: string
  address: string
}

/**
 * Registers this process on the pool, and fences dead processes of this host: otherwise their locks and watches block
 * every client for half a minute after a crash. Returns the function that removes the registration.
 */
export async function fence(pool: Pool, log: DriverLog): Promise<() => Promise<void>> {
  const { cluster } = pool
  const address = cluster.address()
  const place = await placeName()
  const me: Registered = { place, pid: process.pid, startedAt: (await startOf(process.pid)) ?? '', address }
  const key = `${prefix}${cluster.clientId}`
  for (const [other, text] of await poolMetadata(pool, prefix)) {
    const registered = parse(text)
    if (registered.place !== place || other === key) continue
    if ((await startOf(registered.pid)) === registered.startedAt) continue
    log.info({ client: other.slice(prefix.length), pid: registered.pid }, 'fencing a dead process off from Ceph')
    const { address: addr } = registered
    await cluster.command({ prefix: 'osd blocklist', blocklistop: 'add', addr })
    await removePoolMetadata(pool, other)
  }
  await setPoolMetadata(pool, key, JSON.stringify(me))
  return () => removePoolMetadata(pool, key)
}

function parse(text: string): Partial<Registered> & { pid: number; address: string } {
  try {
    return { pid: 0, address: '', ...(JSON.parse(text) as object) }
  } catch {
    return { pid: 0, address: '' }
  }
}

async function placeName(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '')
  return createHash('sha256').update([hostname(), boot, namespace].join('\n')).digest('hex').slice(0, 32)
}

/** Returns the start time of a process; null when the process does not exist. */
async function startOf(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null)
  // The name in parentheses may contain spaces; the start is the 20th field after it.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
}
