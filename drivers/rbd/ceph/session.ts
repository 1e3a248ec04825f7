import type { DriverLog } from '@hearth/driver'
import { fence } from './fencing.ts'
import { codeOf, type Pool } from './librados.ts'
import { connectPool, type PoolConnection, type PoolSettings } from './pool-connection.ts'

/** The pool of one driver; it survives lost connections. */
export interface Session {
  /** Runs `work` on the pool, and once more on a new connection when the cluster had fenced this client off. */
  use<T>(work: (pool: Pool) => Promise<T>): Promise<T>
  /** Returns the pool for longer than one operation; the caller must call `release`. */
  hold(): Promise<{ pool: Pool; release(): void }>
  /** Opens another pool of the same cluster. */
  other(name: string): Promise<Pool>
  close(): Promise<void>
}

interface Link {
  connection: PoolConnection
  /** Number of operations in flight on the connection. */
  users: number
  retired: boolean
  signOff?: Promise<() => Promise<void>>
  ended(): void
}

/**
 * Opens the driver's pool; connects again after the cluster has fenced this client off. Throws as `connectPool` does.
 */
export async function openSession(settings: PoolSettings, log: DriverLog): Promise<Session> {
  let link = newLink(await connectPool(settings, log))
  let renewing: Promise<void> | undefined
  const renew = (old: Link) => {
    if (old !== link) return renewing
    renewing ??= (async () => {
      log.warn({ pool: settings.pool }, 'Ceph has cut this client off; connecting anew')
      link = newLink(await connectPool(settings, log))
      void retire(old, log)
    })().finally(() => {
      renewing = undefined
    })
    return renewing
  }
  const once = async <T>(work: (pool: Pool) => Promise<T>, again: boolean): Promise<T> => {
    const used = link
    const { pool, release } = await holdLink(used, log)
    try {
      return await work(pool)
    } catch (error) {
      if (codeOf(error) !== 'ESHUTDOWN' || !again) throw error
      await renew(used)
    } finally {
      release()
    }
    return once(work, false)
  }
  return {
    use: (work) => once(work, true),
    hold: () => holdLink(link, log),
    other: (name) => link.connection.other(name),
    async close() {
      await renewing
      await retire(link, log)
    },
  }
}

async function holdLink(link: Link, log: DriverLog): Promise<{ pool: Pool; release(): void }> {
  link.users += 1
  let held = true
  const release = () => {
    if (!held) return
    held = false
    link.users -= 1
    if (link.users === 0) link.ended()
  }
  try {
    const pool = await link.connection.pool()
    link.signOff ??= fence(pool, log)
    await link.signOff
    return { pool, release }
  } catch (error) {
    delete link.signOff
    release()
    throw error
  }
}

function newLink(connection: PoolConnection): Link {
  return { connection, users: 0, retired: false, ended: () => undefined }
}

/** Closes a connection after the last operation on it. */
async function retire(link: Link, log: DriverLog): Promise<void> {
  if (link.retired) return
  link.retired = true
  if (link.users > 0) {
    await new Promise<void>((resolve) => {
      link.ended = resolve
    })
  }
  try {
    await (await link.signOff)?.()
  } catch (error) {
    log.debug({ err: error }, 'could not sign off from Ceph')
  }
  await link.connection.close()
}
