import type { Bus } from '@hearth/bus'
import type { Logger } from '@hearth/core'
import type { Database } from '@hearth/database'
import { type BackupStore, DriverError, type Exclusive } from '@hearth/driver'
import type { Backend } from '../model/backends.ts'
import { backendOf } from '../model/volumes/store.ts'
import type { ChunkWorkers } from './format/chunk-workers.ts'
import type { Slots } from './slots.ts'

/** Dependencies of the handlers of the backup role. */
export interface BackupDeps {
  /** `host1`: the backup role takes messages under this name. */
  host: string
  database: Database
  bus: Bus
  log: Logger
  backends: Backend[]
  /** The place of a project's backups; closed by its owner. */
  store(projectId: string): Promise<BackupStore>
  /** The storage driver in upstream's words, kept with each backup. */
  service: string
  /** Bytes of one stored object before compression; a multiple of the hash block. */
  chunkBytes: number
  compression: 'zlib' | 'none'
  workers: ChunkWorkers
  /** One operation at a time on each backup, and on each volume that is restored. */
  exclusive: Exclusive
  /** How many backups and restores move bytes at once. */
  slots: Slots
  /** Fires when the role closes: long work stops and is taken up after the next start. */
  signal: AbortSignal
}

/** The backend of this host that has the volume. Throws DriverError `not-found`. */
export function backendFor(deps: BackupDeps, volumeHost: string | null): Backend {
  const host = volumeHost === null ? null : backendOf(volumeHost)
  const backend = deps.backends.find((candidate) => candidate.host === host)
  if (!backend) throw new DriverError('not-found', `the backup role of ${deps.host} has no open backend ${host}`)
  return backend
}
