import type { GlanceDeps } from '../deps.ts'
import { stagingStore } from '../imports/stage.ts'
import type { Staging } from '../imports/staging.ts'
import { endTask, findUnfinished, type Task } from '../tasks/store.ts'
import { finishDeletion } from './delete.ts'
import { purge } from './ingest.ts'
import {
  type Abandoned,
  findAbandoned,
  findDoomed,
  findDying,
  findImage,
  forgetLocation,
  moveImage,
  releaseWorker,
  touchWorker,
  writeProperty,
} from './store.ts'

export type RecoverDeps = Pick<GlanceDeps, 'database' | 'stores' | 'worker' | 'log'> & { staging: Staging }

/** A worker that has not touched its images for this long is dead. */
const silentMs = 300_000
export const sweepMs = 60_000

/**
 * What is to be done after a crash, for each "-ing" status: saving, uploading and importing → bytes purged, image queued
 * again; pending_delete → deletion finished; doomed locations → deleted. At start it takes everything this worker had
 * in hand; later (`sweep`) only what workers silent for five minutes left.
 */
export async function recoverImages(deps: RecoverDeps): Promise<void> {
  await takeOver(await findAbandoned(deps.database.query, deps.worker, Date.now() - silentMs), deps)
  for (const task of await findUnfinished(deps.database.query, deps.worker)) await failTask(task, deps)
  await finishDeletions(deps)
  await dropStaged(deps)
}

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

/** The regular round: sign of life, then other workers' leavings and put-off deletions. */
export async function sweepImages(deps: RecoverDeps): Promise<void> {
  await touchWorker(deps.database.query, deps.worker)
  // A queued one may be about to be uploaded again, which cleans up by itself.
  const left = await findAbandoned(deps.database.query, null, Date.now() - silentMs)
  await takeOver(
    left.filter(({ status }) => status !== 'queued'),
    deps,
  )
  await finishDeletions(deps)
}

async function takeOver(abandoned: readonly Abandoned[], deps: RecoverDeps): Promise<void> {
  for (const { id, status, worker_store: storeId } of abandoned) {
    if (!(await purgeAll(id, status, storeId.split(','), deps))) continue
    if (['saving', 'uploading', 'importing'].includes(status)) {
      await moveImage(deps.database.query, id, 'queued', { from: status, worker: null, set: { size: null } })
    } else await releaseWorker(deps.database.query, id)
    deps.log.info({ imageId: id, was: status }, 'an interrupted transfer was taken back')
  }
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

async function finishDeletions(deps: RecoverDeps): Promise<void> {
  const { query } = deps.database
  for (const id of await findDying(query)) await finishDeletion(id, deps)
  for (const doomed of await findDoomed(query)) {
    const entry = deps.stores.find(doomed.store)
    try {
      if (entry && !entry.readOnly) await entry.store.delete(doomed.url)
      await forgetLocation(query, doomed.id)
    } catch (error) {
      deps.log.warn({ err: error, imageId: doomed.image_id, store: doomed.store }, 'image bytes cannot be deleted yet')
    }
  }
}
