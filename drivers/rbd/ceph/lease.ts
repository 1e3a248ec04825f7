import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { DriverError, openExclusive } from '@hearth/driver'
import type { Pool } from './librados.ts'

/** Work that only one of the processes that use a pool may do at a time. */
interface Lease {
  /** The librbd object that carries the lock; it exists whenever the work makes sense. */
  object: 'rbd_directory' | 'rbd_trash'
  kind: keyof typeof seconds
  /** Name or id of the image that the work is about. */
  about: string
}

/**
 * Lock lifetime in seconds: a crashed holder blocks others for that long. Longer where two holders would crash librbd.
 */
const seconds = { purge: 30, image: 6, name: 6 }
/** Number of lock names: each lock stays as an attribute of its object, so their number must be bounded. */
const shards = 64
const pauseMs = 10
/**
 * Longest wait for a lease. Work that moves bytes, such as a revert, may be slow, and the waiting work may be about
 * another image of the same shard.
 */
const patienceMs = 30 * 60_000

const turns = openExclusive()

/** Runs `work` and returns its result; null when this or another process holds the lease. */
export async function ifFree<T>(pool: Pool, { object, kind, about }: Lease, work: () => Promise<T>): Promise<T | null> {
  const name = `hearth.${kind}.${crc32(about) % shards}`
  const lock = { name, cookie: randomUUID(), seconds: seconds[kind] }
  if (!(await pool.lockObject(object, lock))) return null
  const renewal = setInterval(() => void pool.lockObject(object, lock).catch(() => false), lock.seconds * 300)
  try {
    return await work()
  } finally {
    clearInterval(renewal)
    await pool.unlockObject(object, lock)
  }
}

/**
 * Waits for the lease, then runs `work`. Throws `busy` after 30 minutes. `work` must not call it for the same lease.
 */
export function whenFree<T>(pool: Pool, lease: Lease, work: () => Promise<T>): Promise<T> {
  // Only one caller of this process at a time asks the cluster for one lease.
  return turns(`${pool.name} ${lease.kind} ${lease.about}`, () => untilFree(pool, lease, work))
}

async function untilFree<T>(pool: Pool, lease: Lease, work: () => Promise<T>): Promise<T> {
  for (const began = performance.now(); performance.now() - began < patienceMs; await sleep(pauseMs)) {
    const done = await ifFree(pool, lease, async () => ({ answer: await work() }))
    if (done) return done.answer
  }
  throw new DriverError('busy', `${pool.name}/${lease.about}: others keep working on it`)
}
