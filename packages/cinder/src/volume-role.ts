import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bus } from '@hearth/bus'
import type { Logger, Running } from '@hearth/core'
import type { Database } from '@hearth/database'
import { openExclusive, type Reserve, type Runner, type ServiceSession } from '@hearth/driver'
import { connectVolume, disconnectVolume } from './attachments/connect.backend.ts'
import { type Backend, type BackendSource, openBackend } from './backends.ts'
import type { ComputeClient } from './clients/compute.ts'
import { type ImageClient, openImageClient } from './clients/image.ts'
import { openImageCache } from './image-cache/cache.ts'
import { openQemuImg } from './image-cache/qemu-img.ts'
import { findObjects } from './manage/find.backend.ts'
import { takeSnapshot, takeVolume } from './manage/take.backend.ts'
import { openHeartbeat, type Pulse } from './services/heartbeat.ts'
import { keepStarting, within } from './services/keep-starting.ts'
import { openReporter, unknownStats } from './services/report.ts'
import { tellDown } from './services/store.ts'
import { createSnapshot } from './snapshots/create.backend.ts'
import { deleteSnapshot } from './snapshots/delete.backend.ts'
import * as topics from './topics.ts'
import type { BackendDeps } from './volumes/backend-deps.ts'
import { createVolume } from './volumes/create.backend.ts'
import { deleteVolume } from './volumes/delete.backend.ts'
import { extendVolume } from './volumes/extend.backend.ts'
import { migrateVolume } from './volumes/migrate.backend.ts'
import { recoverBackend } from './volumes/recover.backend.ts'
import { reimageVolume } from './volumes/reimage.backend.ts'
import { revertVolume } from './volumes/revert.backend.ts'
import { uploadVolume } from './volumes/upload.backend.ts'

export interface VolumeOptions {
  /** Name of this host; part of its backends' hosts. */
  hostName: string
  /** Those that cannot be opened yet are tried again in the background. */
  backends: (Backend | BackendSource)[]
  /** How long a backend may take over a question before it counts as down; 30 seconds when absent. */
  patienceMs?: number
  /** Told of each backend that goes down, and why, and of each that is up (null). */
  onTurn?(host: string, error: Error | null): void
  database: Database
  bus: Bus
  log: Logger
  /** How this role speaks to the image service. */
  session: ServiceSession
  /** Glance's base URL; from the catalog when absent. */
  glanceUrl?: string
  compute?: ComputeClient | null
  /** For downloads and conversions; what is left there by a crash is removed. */
  workFolder: string
  /** What the disk of that folder keeps free; the default rule when absent. */
  reserve?: Reserve
  /** Zone of backends that name none. Default `nova`. */
  availabilityZone?: string
  /** Runs qemu-img; this host's own when absent. */
  run?: Runner
}

/** Starts the role that works beside the drivers: recovers what was interrupted, then takes messages. */
export async function startVolume(options: VolumeOptions): Promise<Running> {
  await mkdir(options.workFolder, { recursive: true })
  await clearDownloads(options.workFolder)
  const stop = new AbortController()
  const images = openImageClient(
    async () => options.glanceUrl ?? (await options.session.endpoint('image')),
    options.session,
  )
  const shared: Shared = { images, signal: stop.signal, neighbours: new Map() }
  for (const { host } of options.backends) shared.neighbours.set(host, null)
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

/** Downloads that a crash cut off; only files this role has named are touched. */
async function clearDownloads(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (/^(image|upload)-[0-9a-f-]{36}\.part$/.test(name)) await rm(join(folder, name), { force: true })
  }
}

const openMs = 60_000
/** A start waits so long for slow storage, which then goes on opening in the background. */
const startPatienceMs = 10_000

/** Serves a backend as soon as its storage is there; until then it shows as down, and others are not kept waiting. */
async function startBackend(source: Backend | BackendSource, options: VolumeOptions, shared: Shared): Promise<Running> {
  const { signal } = shared
  const { database, patienceMs = 30_000 } = options
  const log = options.log.child({ backend: source.host })
  const onTurn = (error: Error | null): void => options.onTurn?.(source.host, error)
  const service = {
    host: source.host,
    binary: 'cinder-volume',
    zone: source.zone ?? options.availabilityZone ?? 'nova',
  }
  return keepStarting({
    signal,
    patienceMs: Math.min(patienceMs, startPatienceMs),
    async start() {
      const backend = await within(openMs, `opening the backend ${source.host}`, openBackend(source))
      await backend.export?.start()
      const stats = await openReporter({ backend, database, log, patienceMs, onTurn })
      const pulse = await openHeartbeat({ database, log, ...service, stats })
      try {
        shared.neighbours.set(backend.host, backend)
        const serving = await serveBackend({ ...options, log }, { ...shared, backend, pulse })
        onTurn(null)
        return serving
      } catch (error) {
        await pulse.close()
        throw error
      }
    },
    async onFailure(error, waitMs) {
      log.error({ err: error, waitMs }, 'the backend is down: its storage could not be opened; it is tried again')
      onTurn(error as Error)
      await tellDown(database, { ...service, stats: unknownStats(source.name) }).catch(() => undefined)
    },
  })
}

/** What the backends of one process have in common. */
interface Shared {
  images: ImageClient
  signal: AbortSignal
  neighbours: BackendDeps['neighbours']
}

interface OpenBackend extends Shared {
  backend: Backend
  pulse: Pulse
}

async function serveBackend(options: VolumeOptions, open: OpenBackend): Promise<Running> {
  const { database, bus, log, session, workFolder } = options
  const { backend, images, signal, pulse, neighbours } = open
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
    ...{ database, bus, log, backend, neighbours, session, images, imageCache, workFolder, signal, qemu },
    exclusive: openExclusive(),
    compute: options.compute ?? null,
    serviceId: pulse.serviceId,
  }
  await recoverBackend(deps)
  await serve(bus, deps)
  await bus.serve(topics.reportStats, backend.host, () => pulse.beat().then(() => null))
  const tidying = setInterval(() => void imageCache.tidy(false).catch(() => undefined), 3600 * 1000)
  tidying.unref()
  return {
    async close() {
      clearInterval(tidying)
      await pulse.close()
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
  await bus.serve(topics.manageVolume, host, ({ context, payload }) => takeVolume(context, payload, deps))
  await bus.serve(topics.manageSnapshot, host, ({ context, payload }) => takeSnapshot(context, payload, deps))
  await bus.serve(topics.findObjects, host, ({ payload }) => findObjects(payload, deps))
  await bus.serve(topics.connectVolume, host, ({ context, payload }) => connectVolume(context, payload, deps))
  await bus.serve(topics.disconnectVolume, host, ({ context, payload }) => disconnectVolume(context, payload, deps))
}
