import type { ImageCache } from '../data/cache.ts'
import { finishDeletion } from '../data/delete-bytes.ts'
import type { GlanceDeps } from '../data/deps.ts'
import { purge } from '../data/ingest.ts'
import type { Staging } from '../data/staging.ts'
import { stagingStore } from '../data/staging.ts'
import {
  disinherit,
  doomLocations,
  findAbandoned,
  findDoomed,
  findDying,
  findImage,
  forgetLocation,
  moveImage,
  releaseWorker,
  touchWorker,
  writeProperty,
} from '../model/images/store.ts'
import { endTask, findUnfinished, removeExpiredTasks, type Task } from '../model/tasks/store.ts'

export type RecoverDeps = Pick<GlanceDeps, 'database' | 'stores' | 'worker' | 'log'> & {
  staging: Staging
  cache: ImageCache | null
}

/** A worker that has not touched its images for this long is dead. */
const silentMs = 300_000
/** How often to look, and how soon again when a store could not be reached. */
export const sweepMs = 60_000
export const retryMs = 3_000

/**
 * Recovers images after a crash, by their "-ing" status: saving, uploading and importing → bytes removed, image queued
 * again; pending_delete → deletion finished; locations marked for deletion → deleted. Runs before the first request.
 * Returns false when a store could not be reached; then `sweepImages` continues.
 */
export async function recoverImages(deps: RecoverDeps): Promise<boolean> {
  const { query } = deps.database
  await disinherit(query, deps.worker, deadName(deps))
  const clean = await takeOver(deps)
  for (const task of await findUnfinished(query, deps.worker)) await failTask(task, deps)
  await dropStaged(deps)
  return (await finishDeletions(deps)) && clean
}

/** The regular round: sign of life, then what recovery or silent workers left. False when something is left to do. */
export async function sweepImages(deps: RecoverDeps): Promise<boolean> {
  await touchWorker(deps.database.query, deps.worker)
  await removeExpiredTasks(deps.database.query, Date.now())
  const clean = await takeOver(deps)
  return (await finishDeletions(deps)) && clean
}

/** The name under which this worker's earlier life is wound up. */
const deadName = (deps: RecoverDeps) => `${deps.worker}#dead`

/** An import that a crash interrupted: its image was taken back above, a copy just stays undone. */
async function failTask(task: Task, deps: RecoverDeps): Promise<void> {
  await deps.database.transaction(async (tx) => {
    if (task.imageId !== null) await writeProperty(tx, task.imageId, 'os_glance_import_task', null)
    if (task.imageId !== null) await writeProperty(tx, task.imageId, 'os_glance_importing_to_stores', '')
    await endTask(tx, task.id, 'failure', 'The service was restarted during the import')
  })
}

/** Staged bytes are kept for images that wait for their import only. */
async function dropStaged(deps: RecoverDeps): Promise<void> {
  for (const id of await deps.staging.list()) {
    const image = await findImage(deps.database.query, id)
    if (image?.status !== 'uploading') await deps.staging.remove(id)
  }
}

async function takeOver(deps: RecoverDeps): Promise<boolean> {
  const { query } = deps.database
  let clean = true
  for (const { id, status, worker_store: store } of await findAbandoned(query, deadName(deps), Date.now() - silentMs)) {
    // Bytes of a failed try: the image must not be uploaded again while they are removed.
    const worker = { name: deadName(deps), store }
    if (status === 'queued' && !(await moveImage(query, id, 'saving', { from: 'queued', worker }))) continue
    const held = status === 'queued' ? 'saving' : status
    if (!(await purgeAll(id, held, store.split(','), deps))) {
      clean = false
      continue
    }
    if (['saving', 'uploading', 'importing'].includes(held)) {
      await doomLocations(query, id)
      await moveImage(query, id, 'queued', { from: held, worker: null, set: { size: null } })
    } else await releaseWorker(query, id)
    deps.log.info({ imageId: id, was: status }, 'an interrupted transfer was taken back')
  }
  return clean
}

/** Removes the bytes of an unfinished transfer, but never a copy that the image already counts on. */
async function purgeAll(imageId: string, status: string, storeIds: string[], deps: RecoverDeps): Promise<boolean> {
  if (storeIds.includes(stagingStore)) await deps.staging.remove(imageId)
  const image = status === 'active' ? await findImage(deps.database.query, imageId) : null
  const kept = new Set(image?.locations.map((location) => location.store))
  let clean = true
  for (const storeId of storeIds) {
    const entry = kept.has(storeId) ? undefined : deps.stores.find(storeId)
    if (entry && !(await purge(entry, imageId, deps))) clean = false
  }
  return clean
}

async function finishDeletions(deps: RecoverDeps): Promise<boolean> {
  const { query } = deps.database
  let clean = true
  for (const id of await findDying(query)) await finishDeletion(id, deps)
  for (const doomed of await findDoomed(query)) {
    const entry = deps.stores.find(doomed.store)
    try {
      if (entry && !entry.readOnly) await entry.store.delete(doomed.url)
      await forgetLocation(query, doomed.id)
    } catch (error) {
      clean = false
      deps.log.warn({ err: error, imageId: doomed.image_id, store: doomed.store }, 'image bytes cannot be deleted yet')
    }
  }
  return clean
}
