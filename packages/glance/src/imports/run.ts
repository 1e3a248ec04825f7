import type { Readable } from 'node:stream'
import type { GlanceDeps } from '../data/deps.ts'
import { type Ingested, ingest, purge } from '../data/ingest.ts'
import type { Staging } from '../data/staging.ts'
import type { StoreEntry } from '../data/stores.ts'
import { openWebSource } from '../data/web-source.ts'
import { glanceErrors } from '../model/errors.ts'
import { addLocation, moveImage, releaseWorker, writeLearnt, writeProperty } from '../model/images/store.ts'
import { beginTask, endTask } from '../model/tasks/store.ts'
import { hashLocation } from './hash-location.ts'
import type { ImportJob, Imports } from './jobs.ts'
import { openRemoteImage, type RemoteImage } from './remote-image.ts'

type ImportDeps = Pick<GlanceDeps, 'database' | 'stores' | 'settings' | 'hashing' | 'log'> & {
  staging: Staging
  /** Where catalogs are asked for; null: no glance-download. */
  identityUrl: string | null
}

/** Opens the runner of import and hashing jobs. */
export function openImports(deps: ImportDeps): Imports {
  const running = new Set<Promise<void>>()
  const abort = new AbortController()
  const track = (promise: Promise<void>) => {
    const work = promise
      .catch((error: unknown) => deps.log.error({ err: error }, 'an image task broke'))
      .finally(() => running.delete(work))
    running.add(work)
  }
  return {
    start: (job) => track(runImport(job, abort.signal, deps)),
    startHashing: (job) => track(hashLocation(job, abort.signal, deps)),
    async close() {
      abort.abort()
      await Promise.all(running)
    },
  }
}

/** Never throws: an error becomes the task's message, and the image returns to its state before the import. */
async function runImport(job: ImportJob, signal: AbortSignal, deps: ImportDeps): Promise<void> {
  const { query } = deps.database
  const { taskId, image } = job
  try {
    await beginTask(query, taskId)
    if (job.uri !== null) await fetchToStaging(job, signal, deps)
    if (job.remote) await fetchRemote(job, job.remote, signal, deps)
    const failed = job.method === 'copy-image' ? await copyToStores(job, signal, deps) : await fill(job, signal, deps)
    await deps.staging.remove(image.id)
    await finish(job, failed, deps)
    await endTask(query, taskId, 'success', 'Import has been completed', { image_id: image.id })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    deps.log.warn({ err: error, imageId: image.id, taskId }, 'an image import failed')
    await revert(job, deps).catch((cause: unknown) =>
      deps.log.error({ err: cause, taskId }, 'reverting an import failed'),
    )
    await endTask(query, taskId, 'failure', message).catch(() => undefined)
  }
}

async function fetchToStaging(job: ImportJob, signal: AbortSignal, deps: ImportDeps): Promise<void> {
  const body = await openWebSource(job.uri!, deps.settings.uriFilter, signal)
  await deps.staging.write(job.image.id, body, deps.settings.imageSizeCap)
}

/** Takes formats and well-known properties from the other image, then its bytes. */
async function fetchRemote(job: ImportJob, remote: RemoteImage, signal: AbortSignal, deps: ImportDeps): Promise<void> {
  const { record, data } = await openRemoteImage(remote, deps.identityUrl!, signal)
  const { diskFormat, containerFormat, properties } = record
  Object.assign(job.image, { diskFormat, containerFormat })
  await deps.database.transaction(async (tx) => {
    await writeLearnt(tx, job.image.id, { diskFormat, containerFormat })
    for (const [name, value] of Object.entries(properties)) await writeProperty(tx, job.image.id, name, value)
  })
  await deps.staging.write(job.image.id, await data(), deps.settings.imageSizeCap)
}

interface Stored {
  store: StoreEntry
  found: Ingested
}

/** Puts the staged bytes into each store; active with the first one, or with all of them when all must succeed. */
async function fill(job: ImportJob, signal: AbortSignal, deps: ImportDeps): Promise<string[]> {
  const size = await deps.staging.size(job.image.id)
  if (size === null) throw glanceErrors.Conflict({ reason: 'The staged data is not on this host' })
  const failed: string[] = []
  const waiting: Stored[] = []
  let active = false
  for (const store of job.targets) {
    const found = await tryStore(job, store, deps.staging.read(job.image.id), size, signal, failed, deps)
    if (!found) continue
    if (job.allMustSucceed) waiting.push({ store, found })
    else {
      await publish(job, [{ store, found }], active, deps)
      active = true
    }
    await noteProgress(job, store, failed, deps)
  }
  if (waiting.length > 0) await publish(job, waiting, false, deps)
  else if (!active) throw glanceErrors.StoreUnavailable({ reason: `All stores failed: ${failed.join(', ')}` })
  return failed
}

async function tryStore(
  job: ImportJob,
  store: StoreEntry,
  data: Readable,
  size: number | null,
  signal: AbortSignal,
  failed: string[],
  deps: ImportDeps,
): Promise<Ingested | null> {
  try {
    // A copy was inspected when it first came in.
    const image = job.method === 'copy-image' ? { ...job.image, containerFormat: null } : job.image
    const found = await ingest({ image, data, declaredSize: size, store, signal }, deps)
    if (job.method === 'copy-image' && job.image.hashValue && found.hashValue !== job.image.hashValue) {
      throw glanceErrors.Conflict({ reason: 'The copy differs from the image' })
    }
    return found
  } catch (error) {
    data.destroy()
    await purge(store, job.image.id, deps)
    if (job.allMustSucceed) throw error
    deps.log.warn({ err: error, imageId: job.image.id, store: store.id }, 'an image could not be imported to a store')
    failed.push(store.id)
    return null
  }
}

/** Adds locations, and makes the image active unless it is already. */
async function publish(job: ImportJob, stored: Stored[], active: boolean, deps: ImportDeps): Promise<void> {
  await deps.database.transaction(async (tx) => {
    const { location: _location, ...set } = stored[0]!.found
    const isCopy = job.method === 'copy-image'
    if (!active && !isCopy && !(await moveImage(tx, job.image.id, 'active', { from: 'importing', set }))) {
      throw glanceErrors.Gone({ reason: 'The image was deleted while it was imported' })
    }
    for (const { store, found } of stored) {
      await addLocation(tx, job.image.id, { store: store.id, url: found.location, metadata: {} })
    }
  })
}

async function copyToStores(job: ImportJob, signal: AbortSignal, deps: ImportDeps): Promise<string[]> {
  const failed: string[] = []
  const copy = job.image.locations[0]
  const from = copy && deps.stores.find(copy.store)
  if (!copy || !from) throw glanceErrors.ImageDataNotFound()
  const stored: Stored[] = []
  for (const store of job.targets) {
    const data = await from.store.get(copy.url)
    const found = await tryStore(job, store, data, job.image.size, signal, failed, deps)
    if (!found) continue
    if (job.allMustSucceed) stored.push({ store, found })
    else await publish(job, [{ store, found }], true, deps)
    await noteProgress(job, store, failed, deps)
  }
  if (stored.length > 0) await publish(job, stored, true, deps)
  return failed
}

async function noteProgress(job: ImportJob, done: StoreEntry, failed: string[], deps: ImportDeps): Promise<void> {
  const left = job.targets.slice(job.targets.indexOf(done) + 1).map((store) => store.id)
  if (left.length === 0) return
  await deps.database.transaction(async (tx) => {
    await writeProperty(tx, job.image.id, 'os_glance_importing_to_stores', left.join(','))
    await writeProperty(tx, job.image.id, 'os_glance_failed_import', failed.join(','))
  })
}

async function finish(job: ImportJob, failed: string[], deps: ImportDeps): Promise<void> {
  await deps.database.transaction(async (tx) => {
    await writeProperty(tx, job.image.id, 'os_glance_importing_to_stores', '')
    await writeProperty(tx, job.image.id, 'os_glance_failed_import', failed.join(','))
    await writeProperty(tx, job.image.id, 'os_glance_import_task', null)
    if (job.method !== 'copy-image') await releaseWorker(tx, job.image.id)
  })
}

/** Back to queued, without bytes anywhere; a copy leaves the image active with what it had. */
async function revert(job: ImportJob, deps: ImportDeps): Promise<void> {
  const { image, targets } = job
  await deps.staging.remove(image.id)
  for (const store of targets) await purge(store, image.id, deps)
  await deps.database.transaction(async (tx) => {
    const failed = targets.map((store) => store.id).join(',')
    await writeProperty(tx, image.id, 'os_glance_importing_to_stores', '')
    await writeProperty(tx, image.id, 'os_glance_failed_import', failed)
    await writeProperty(tx, image.id, 'os_glance_import_task', null)
    if (job.method === 'copy-image') return
    const back = { from: 'importing', worker: null, set: { size: null } }
    if (!(await moveImage(tx, image.id, 'queued', back))) await releaseWorker(tx, image.id)
  })
}
