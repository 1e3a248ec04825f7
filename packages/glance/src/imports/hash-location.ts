import type { GlanceDeps } from '../data/deps.ts'
import { readWebLocation } from '../data/web-location.ts'
import { glanceErrors } from '../model/errors.ts'
import { doomLocation, findImage, moveImage, writeLearnt } from '../model/images/store.ts'
import { beginTask, endTask } from '../model/tasks/store.ts'
import type { HashJob } from './jobs.ts'

/**
 * Reads a registered location once for its hashes and size. With an expected hash the image becomes active when it is
 * right, and queued without the location otherwise; without one, a failure leaves the image active without hashes.
 */
export async function hashLocation(
  job: HashJob,
  signal: AbortSignal,
  deps: Pick<GlanceDeps, 'database' | 'settings' | 'hashing' | 'log'>,
): Promise<void> {
  const { query } = deps.database
  const hash = deps.hashing.open()
  try {
    await beginTask(query, job.taskId)
    let size = 0
    for await (const chunk of (await readWebLocation(job.url, deps.settings.uriFilter)) as AsyncIterable<Buffer>) {
      signal.throwIfAborted()
      size += chunk.length
      await hash.write(chunk)
    }
    const { md5, sha512 } = await hash.finish()
    if (job.expected !== null && sha512 !== job.expected) {
      throw glanceErrors.Conflict({ reason: 'The hash of the location is not the one that was given' })
    }
    await writeLearnt(query, job.imageId, { size, checksum: md5, hashAlgorithm: 'sha512', hashValue: sha512 })
    if (job.expected !== null) await moveImage(query, job.imageId, 'active', { from: 'importing', worker: null })
    await endTask(query, job.taskId, 'success', '', { image_id: job.imageId })
  } catch (error) {
    hash.abandon()
    deps.log.warn({ err: error, imageId: job.imageId }, 'the hash of a location could not be had')
    if (job.expected !== null) await takeBack(job, deps)
    await endTask(query, job.taskId, 'failure', error instanceof Error ? error.message : String(error))
  }
}

async function takeBack(job: HashJob, deps: Pick<GlanceDeps, 'database'>): Promise<void> {
  await deps.database.transaction(async (tx) => {
    const image = await findImage(tx, job.imageId)
    for (const location of image?.locations ?? []) await doomLocation(tx, location.id)
    await moveImage(tx, job.imageId, 'queued', { from: 'importing', worker: null })
  })
}
