import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bus } from '@hearth/bus'
import type { Logger, Running } from '@hearth/core'
import type { Database } from '@hearth/database'
import { openExclusive, type Reserve, type Runner, type ServiceSession } from '@hearth/driver'
import { type Backend, type BackendSource, openBackend } from '../model/backends.ts'
import type { ComputeClient } from '../model/clients/compute.ts'
import { type ImageClient, openImageClient } from '../model/clients/image.ts'
import { type HeartbeatTimer, openHeartbeat } from '../model/services/heartbeat.ts'
import { keepStarting, withTimeout } from '../model/services/keep-starting.ts'
import { markDown } from '../model/services/store.ts'
import * as topics from '../model/topics.ts'
import { adoptSnapshot, adoptVolume } from './adopt/adopt.ts'
import { listObjects } from './adopt/list-objects.ts'
import { connectVolume, disconnectVolume } from './attachments/connect.ts'
import { createVolume } from './create.ts'
import { deleteVolume } from './delete.ts'
import type { BackendDeps } from './deps.ts'
import { extendVolume } from './extend.ts'
import { openImageCache } from './image-cache/cache.ts'
import { openQemuImg } from './image-cache/qemu-img.ts'
import { migrateVolume } from './migrate.ts'
import { recoverBackend } from './recover.ts'
import { reimageVolume } from './reimage.ts'
import { openReporter, unknownStats } from './report.ts'
import { revertVolume } from './revert.ts'
import { createSnapshot } from './snapshots/create.ts'
import { deleteSnapshot } from './snapshots/delete.ts'
import { uploadVolume } from './upload.ts'

export interface VolumeOptions {
  /** Name of this host, the first part of its backends' addresses. */
  hostName: string
  /** Backends to serve. One that cannot be opened yet is retried in the background. */
  backends: (Backend | BackendSource)[]
  /** Longest time in milliseconds for a backend to report stats before it counts as down; 30 seconds when absent. */
  responseTimeoutMs?: number
  /** Called when a backend goes down, with the reason, and when it is up again, with null. */
  onStateChange?(host: string, error: Error | null): void
  database: Database
  bus: Bus
  log: Logger
  /** Login of the service user for calls to the image service. */
  session: ServiceSession
  /** Base URL of Glance; read from the catalog when absent. */
  glanceUrl?: string
  compute?: ComputeClient | null
  /** Folder for downloads and conversions; a start removes leftovers from it. */
  workFolder: string
  /** Space that stays free on the disk of that folder; the default rule when absent. */
  reserve?: Reserve
  /** Availability zone of backends that have none. Default `nova`. */
  availabilityZone?: string
  /** Runs qemu-img; on this host when absent. */
  run?: Runner
}

/** Starts the volume role, which runs the drivers: recovers interrupted work, then serves messages. */
export async function startVolume(options: VolumeOptions): Promise<Running> {
  await mkdir(options.workFolder, { recursive: true })
  await clearDownloads(options.workFolder)
  const stop = new AbortController()
  const images = openImageClient(
    async () => options.glanceUrl ?? (await options.session.endpoint('image')),
    options.session,
  )
  const shared: Shared = { images, signal: stop.signal, localBackends: new Map() }
  for (const { host } of options.backends) shared.localBackends.set(host, null)
  const running = await Promise.all(options.backends.map((backend) => startBackend(backend, options, shared)))
  let closing: Promise<void> | undefined
  return {
    close() {
      closing ??= (async () => {
        stop.abort()
        await Promise.all(running.map((one) => one.close()))
      })()
      return closing
    },
  }
}

/** Removes downloads and conversions that a crash interrupted; only files with this role's names. */
async function clearDownloads(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (/^(image|upload)-[0-9a-f-]{36}\.part$/.test(name)) await rm(join(folder, name), { force: true })
  }
}

const openMs = 60_000
/** Longest time that a start waits for slow storage. Opening then continues in the background. */
const startWaitMs = 10_000

/** Serves a backend as soon as its storage is available. Until then it is shown as down; other backends do not wait. */
async function startBackend(source: Backend | BackendSource, options: VolumeOptions, shared: Shared): Promise<Running> {
  const { signal } = shared
  const { database, responseTimeoutMs = 30_000 } = options
  const log = options.log.child({ backend: source.host })
  const onStateChange = (error: Error | null): void => options.onStateChange?.(source.host, error)
  const service = {
    host: source.host,
    binary: 'cinder-volume',
    zone: source.zone ?? options.availabilityZone ?? 'nova',
  }
  return keepStarting({
    signal,
    firstAttemptMs: Math.min(responseTimeoutMs, startWaitMs),
    async start() {
      const backend = await withTimeout(openMs, `opening the backend ${source.host}`, openBackend(source))
      await backend.export?.start()
      const stats = await openReporter({ backend, database, log, responseTimeoutMs, onStateChange })
      const heartbeat = await openHeartbeat({ database, log, ...service, stats })
      try {
        shared.localBackends.set(backend.host, backend)
        const serving = await serveBackend({ ...options, log }, { ...shared, backend, heartbeat })
        onStateChange(null)
        return serving
      } catch (error) {
        await heartbeat.close()
        throw error
      }
    },
    async onFailure(error, waitMs) {
      log.error({ err: error, waitMs }, 'the backend is down: its storage could not be opened; it is retried')
      onStateChange(error as Error)
      await markDown(database, { ...service, stats: unknownStats(source.name) }).catch(() => undefined)
    },
  })
}

/** State that the backends of one process share. */
interface Shared {
  images: ImageClient
  signal: AbortSignal
  localBackends: BackendDeps['localBackends']
}

interface OpenBackend extends Shared {
  backend: Backend
  heartbeat: HeartbeatTimer
}

async function serveBackend(options: VolumeOptions, open: OpenBackend): Promise<Running> {
  const { database, bus, log, session, workFolder } = options
  const { backend, images, signal, heartbeat, localBackends } = open
  const qemu = openQemuImg(log, options.run)
  const imageCache = openImageCache({
    backend,
    database,
    log,
    images,
    session,
    qemu,
    workFolder,
    reserve: options.reserve,
  })
  const deps: BackendDeps = {
    ...{ database, bus, log, backend, localBackends, session, images, imageCache, workFolder, signal, qemu },
    withLock: openExclusive(),
    compute: options.compute ?? null,
    serviceId: heartbeat.serviceId,
  }
  await recoverBackend(deps)
  await serve(bus, deps)
  await bus.serve(topics.reportStats, backend.host, () => heartbeat.sendNow().then(() => null))
  const sweeping = setInterval(() => void imageCache.sweep(false).catch(() => undefined), 3600 * 1000)
  sweeping.unref()
  return {
    async close() {
      clearInterval(sweeping)
      await heartbeat.close()
    },
  }
}

async function serve(bus: Bus, deps: BackendDeps): Promise<void> {
  const { host } = deps.backend
  await bus.serve(topics.createVolume, host, ({ context, payload }) => createVolume(context, payload, deps))
  await bus.serve(topics.deleteVolume, host, ({ context, payload }) => deleteVolume(context, payload, deps))
  await bus.serve(topics.extendVolume, host, ({ context, payload }) => extendVolume(context, payload, deps))
  await bus.serve(topics.revertVolume, host, ({ context, payload }) => revertVolume(context, payload, deps))
  await bus.serve(topics.reimageVolume, host, ({ context, payload }) => reimageVolume(context, payload, deps))
  await bus.serve(topics.uploadVolume, host, ({ context, payload, attempt }) =>
    uploadVolume(context, payload, attempt, deps),
  )
  await bus.serve(topics.migrateVolume, host, ({ context, payload, attempt }) =>
    migrateVolume(context, payload, attempt, deps),
  )
  await bus.serve(topics.createSnapshot, host, ({ context, payload }) => createSnapshot(context, payload, deps))
  await bus.serve(topics.deleteSnapshot, host, ({ context, payload }) => deleteSnapshot(context, payload, deps))
  await bus.serve(topics.adoptVolume, host, ({ context, payload }) => adoptVolume(context, payload, deps))
  await bus.serve(topics.adoptSnapshot, host, ({ context, payload }) => adoptSnapshot(context, payload, deps))
  await bus.serve(topics.listObjects, host, ({ payload }) => listObjects(payload, deps))
  await bus.serve(topics.connectVolume, host, ({ context, payload }) => connectVolume(context, payload, deps))
  await bus.serve(topics.disconnectVolume, host, ({ context, payload }) => disconnectVolume(context, payload, deps))
}
