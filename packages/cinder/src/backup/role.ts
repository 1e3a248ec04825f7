import type { Bus } from '@hearth/bus'
import { type Logger, own, type Running } from '@hearth/core'
import type { Database } from '@hearth/database'
import { type BackupStore, openExclusive } from '@hearth/driver'
import { type Backend, type BackendSource, openBackend } from '../model/backends.ts'
import { openHeartbeat } from '../model/services/heartbeat.ts'
import { keepStarting } from '../model/services/keep-starting.ts'
import * as topics from '../model/topics.ts'
import { createBackup } from './create.ts'
import { deleteBackup } from './delete.ts'
import type { BackupDeps } from './deps.ts'
import { openChunkWorkers } from './format/chunk-workers.ts'
import { blockBytes } from './format/format.ts'
import { recoverBackups } from './recover.ts'
import { restoreBackup } from './restore.ts'
import { openSlots } from './slots.ts'

export interface BackupOptions {
  /** `host1`, the part of the backends' hosts before the `@`. */
  /** Name of this host, the first part of its backends' addresses. */
  hostName: string
  /** Default `nova`. */
  availabilityZone?: string
  /** Those of this host. */
  backends: (Backend | BackendSource)[]
  database: Database
  bus: Bus
  log: Logger
  /** The place of a project's backups; closed by its owner. */
  store(projectId: string): Promise<BackupStore>
  /** Name of the storage driver: `swift`, `file`, `nfs`, `s3` … */
  storeName?: string
  /** Bytes of one stored object before compression; Cinder's 50 MiB when absent. */
  chunkBytes?: number
  compression?: 'zlib' | 'none'
  /** Backups and restores that move bytes at once; 2 when absent. */
  atOnce?: number
}

/** Drivers of the same name upstream, which exported records carry. */
const services: Record<string, string> = {
  swift: 'cinder.backup.drivers.swift.SwiftBackupDriver',
  file: 'cinder.backup.drivers.posix.PosixBackupDriver',
  nfs: 'cinder.backup.drivers.nfs.NFSBackupDriver',
  s3: 'cinder.backup.drivers.s3.S3BackupDriver',
  rbd: 'cinder.backup.drivers.ceph.CephBackupDriver',
}

/** Starts the backup role, which backs up and restores the volumes of this host. Throws for chunks of a wrong size. */
export async function startBackup(options: BackupOptions): Promise<Running> {
  const { hostName: host, database, bus, log, chunkBytes = 52_428_800, storeName = 'swift' } = options
  if (chunkBytes <= 0 || chunkBytes % blockBytes !== 0) {
    throw new Error(`backup chunks of ${chunkBytes} bytes are no multiple of ${blockBytes}`)
  }
  const closing = new AbortController()
  const deps: BackupDeps = {
    host,
    backends: await openBackends(options, closing.signal),
    database,
    bus,
    log,
    chunkBytes,
    store: options.store,
    service: own(services, storeName) ?? `cinder.backup.drivers.${storeName}`,
    compression: options.compression ?? 'zlib',
    workers: openChunkWorkers(),
    exclusive: openExclusive(),
    slots: openSlots(options.atOnce ?? 2),
    signal: closing.signal,
  }
  const pulse = await openHeartbeat({
    database,
    log,
    host,
    binary: 'cinder-backup',
    zone: options.availabilityZone ?? 'nova',
  })
  await recoverBackups(deps)
  await bus.serve(topics.createBackup, host, ({ context, payload }) => createBackup(context, payload, deps))
  await bus.serve(topics.deleteBackup, host, ({ context, payload }) => deleteBackup(context, payload, deps))
  await bus.serve(topics.restoreBackup, host, ({ context, payload }) => restoreBackup(context, payload, deps))
  return {
    async close() {
      closing.abort()
      await pulse.close()
      await deps.slots.drained()
      await deps.workers.close()
    },
  }
}

const openPatienceMs = 20_000

/** The backends that are open; those whose storage is not there yet join when it is. */
async function openBackends({ backends, log }: BackupOptions, signal: AbortSignal): Promise<Backend[]> {
  const opened: Backend[] = []
  const starting = backends.map((source) =>
    keepStarting({
      signal,
      firstAttemptMs: openPatienceMs,
      async start() {
        opened.push(await openBackend(source))
        return { close: async () => undefined }
      },
      async onFailure(error) {
        log.warn({ err: error, backend: source.host }, 'backups of this backend wait until its storage is there')
      },
    }),
  )
  await Promise.all(starting)
  return opened
}
