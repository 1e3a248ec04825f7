import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { hostname } from 'node:os'
import { errorTable } from './errors.ts'

/** Types of the parts of better-sqlite3 that are used here; it publishes none. */
interface Connection {
  exec(sql: string): void
  close(): void
}
type Constructor = new (path: string, options: { timeout: number }) => Connection

export interface ExclusiveLock {
  /** Lets the next process take the lock. Safe to call twice. */
  release(): void
}

const errors = errorTable({
  Locked: [409, '{path} is used by {owner}'],
})

/** Kept from the garbage collector, which would close them. */
const held = new Set<Connection>()

interface Owner {
  pid: number
  host: string
}

/**
 * Takes the kernel's lock on `file` (created with mode 0600) until release() or the end of the process. Throws
 * HearthError `Locked` at once, with `params.pid` if known, when another caller holds it. The lock is an exclusive
 * transaction of SQLite (fcntl, sqlite.org/lockingv3.html); no other code of the process may open `file`: POSIX drops a
 * process's locks on a file when it closes any descriptor of it.
 */
export async function takeExclusiveLock(file: string): Promise<ExclusiveLock> {
  const Database = createRequire(import.meta.url)('better-sqlite3') as Constructor
  const connection = new Database(file, { timeout: 0 })
  try {
    // Nothing is ever written, so that no journal is needed next to the file.
    connection.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    chmodSync(file, 0o600)
  } catch (error) {
    connection.close()
    if ((error as { code?: string }).code === 'SQLITE_BUSY') throw lockedBy(file, ownerOf(file))
    throw error
  }
  // Only for the message of whoever is refused, so that a full disk must not keep the lock from being taken.
  const owner: Owner = { pid: process.pid, host: hostname() }
  await writeFile(`${file}.owner`, JSON.stringify(owner), { mode: 0o600 }).catch(() => undefined)
  held.add(connection)
  return {
    release() {
      if (!held.delete(connection)) return
      rmSync(`${file}.owner`, { force: true })
      connection.close()
    },
  }
}

function lockedBy(path: string, owner: Owner | null): Error {
  if (owner === null) return errors.Locked({ path, owner: 'another process' })
  const place = owner.host === hostname() ? '' : ` of host ${owner.host}`
  return errors.Locked({ path, owner: `process ${owner.pid}${place}`, pid: owner.pid, host: owner.host })
}

/** Returns the process that recorded that it holds the lock; null when none has (yet) or that process has ended. */
function ownerOf(file: string): Owner | null {
  try {
    const owner = JSON.parse(readFileSync(`${file}.owner`, 'utf8')) as Owner
    return owner.host === hostname() && !existsSync(`/proc/${owner.pid}`) ? null : owner
  } catch {
    return null
  }
}
