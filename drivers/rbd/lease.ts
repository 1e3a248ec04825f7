import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { DriverError, openExclusive } from '@hearth/driver'
import type { Pool } from './librados.ts'

/** What one process at a time may do, of all that work on a pool. */
export interface Lease {
  /** An object of librbd's own that is there whenever the work makes sense. */
  object: 'rbd_directory' | 'rbd_trash'
  kind: keyof typeof seconds
  /** Name or id of the image that the work is about. */
  about: string
}

/** A process that dies holds others up for so long; what ends a process when two are at it waits longer. */
const seconds = { purge: 30, image: 6, name: 6 }
/** Locks stay as attributes of the object they are on: there are only so many names. */
const shards = 64
const pauseMs = 10
/** Work that moves bytes, such as a revert, may take its time; who waits for it may be about another image of the shard. */
const patienceMs = 30 * 60_000

const turns = openExclusive()

/** Does the work unless another process, or this one, is at it: then null. */
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

/** Does the work when it is free. Throws `busy` when it never is. Must not be called again within the work. */
export function whenFree<T>(pool: Pool, lease: Lease, work: () => Promise<T>): Promise<T> {
  // Of this process only one at a time asks the cluster.
  return turns(`${pool.name} ${lease.kind} ${lease.about}`, () => untilFree(pool, lease, work))
}

async function untilFree<T>(pool: Pool, lease: Lease, work: () => Promise<T>): Promise<T> {
  for (const began = performance.now(); performance.now() - began < patienceMs; await sleep(pauseMs)) {
    const done = await ifFree(pool, lease, async () => ({ answer: await work() }))
    if (done) return done.answer
  }
  throw new DriverError('busy', `${pool.name}/${lease.about}: others keep working on it`)
}
