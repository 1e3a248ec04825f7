import type { GlanceDeps } from '../deps.ts'
import { finishDeletion } from './delete.ts'
import { purge } from './ingest.ts'
import {
  type Abandoned,
  findAbandoned,
  findDoomed,
  findDying,
  forgetLocation,
  moveImage,
  releaseWorker,
  touchWorker,
} from './store.ts'

export type RecoverDeps = Pick<GlanceDeps, 'database' | 'stores' | 'worker' | 'log'>

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
  await finishDeletions(deps)
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
    const entry = deps.stores.find(storeId)
    if (entry && !(await purge(entry, id, deps))) continue
    if (['saving', 'uploading', 'importing'].includes(status)) {
      await moveImage(deps.database.query, id, 'queued', { from: status, worker: null })
    } else await releaseWorker(deps.database.query, id)
    deps.log.info({ imageId: id, was: status }, 'an interrupted transfer was taken back')
  }
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
