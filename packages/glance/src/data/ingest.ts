import { Readable } from 'node:stream'
import { type HearthError, isHearthError } from '@hearth/core'
import { isDriverError } from '@hearth/driver'
import { glanceErrors } from '../model/errors.ts'
import type { Image } from '../model/images/image.ts'
import type { GlanceDeps } from './deps.ts'
import { openInspection } from './formats/inspect.ts'
import { judgeFormat } from './formats/judge.ts'
import type { StreamHash } from './hashing.ts'
import type { Settings } from './settings.ts'
import type { StoreEntry } from './stores.ts'

interface IngestInput {
  image: Pick<Image, 'id' | 'diskFormat' | 'containerFormat'>
  data: Readable
  /** Bytes the client said it would send, null when it did not. */
  declaredSize: number | null
  store: StoreEntry
  signal?: AbortSignal
}

/** Facts about the bytes, found on their way into the store. */
export interface Ingested {
  location: string
  size: number
  checksum: string
  hashAlgorithm: string
  hashValue: string
  virtualSize: number | null
}

type IngestDeps = Pick<GlanceDeps, 'hashing' | 'settings' | 'log'>

/**
 * Stores the bytes of an image in one pass: counts, hashes, inspects and writes them. When it throws, the caller
 * removes the bytes. Throws OverLimit (413), StorageFull (413), InvalidImageData (415), StoreUnavailable (503), and
 * BadRequest (400) for fewer or more bytes than declared or a client that disconnects.
 */
export async function ingest(input: IngestInput, deps: IngestDeps): Promise<Ingested> {
  const pass = openPass(input, deps)
  const stream = Readable.from(pass.bytes(), { objectMode: false, highWaterMark: 1024 * 1024 })
  // A store that has all it wants may have stopped listening.
  stream.on('error', () => undefined)
  try {
    const stored = await input.store.store.add(input.image.id, stream, input.declaredSize, input.signal)
    await pass.complete()
    const { md5, sha512 } = await pass.digests()
    const { size, virtualSize } = pass.progress
    return {
      location: stored.location,
      size,
      checksum: md5,
      hashAlgorithm: 'sha512',
      hashValue: sha512,
      virtualSize,
    }
  } catch (error) {
    stream.destroy()
    pass.abandon()
    throw pass.progress.failure ?? storeFailure(error)
  }
}

/**
 * Removes all bytes that a store has for an image. A store that cannot do it now is logged, and recovery retries it.
 */
export async function purge(entry: StoreEntry, imageId: string, deps: Pick<GlanceDeps, 'log'>): Promise<boolean> {
  try {
    await entry.store.purge(imageId)
    return true
  } catch (error) {
    deps.log.warn({ err: error, imageId, store: entry.id }, 'cannot remove the bytes of an image that failed')
    return false
  }
}

/** The wire's error for what a store threw. */
export function storeFailure(error: unknown): HearthError {
  if (isHearthError(error)) return error
  const reason = error instanceof Error ? error.message : String(error)
  if (isDriverError(error) && error.kind === 'no-space') return glanceErrors.StorageFull({ reason }, error)
  if (isDriverError(error) && error.kind === 'aborted') return clientGone(error)
  return glanceErrors.StoreUnavailable({ reason }, error)
}

const clientGone = (cause: unknown) =>
  glanceErrors.BadRequest({ reason: 'The client went away before all image data was received' }, cause)

interface Progress {
  size: number
  virtualSize: number | null
  ended: boolean
  failure?: HearthError
}

/** One pass over the bytes, with what can be asked of it afterwards. */
function openPass(input: IngestInput, deps: IngestDeps) {
  const hash = deps.hashing.open()
  // Destroying a request closes its connection, and the client must still hear why it was refused.
  const source = input.data.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>
  const progress: Progress = { size: 0, virtualSize: null, ended: false }
  const take = oneAtATime(openPull(input, source, hash, progress, deps.settings))
  return {
    progress,
    async *bytes(): AsyncGenerator<Buffer> {
      for (let chunk = await take(); chunk !== null; chunk = await take()) yield chunk
    },
    /** A store may stop at the declared size: only here is it sure that the end was seen and judged. */
    async complete() {
      while (!progress.ended) await take()
    },
    digests: () => hash.finish(),
    abandon() {
      hash.abandon()
      // The rest of the body is read and dropped: many clients read a response only after they have sent everything.
      source.return?.()?.catch(() => undefined)
      input.data.resume()
    },
  }
}

/** Takes the next chunk through counting, inspection and hashing; null at the end, which is judged. */
function openPull(
  { image, declaredSize }: IngestInput,
  source: AsyncIterator<Buffer>,
  hash: StreamHash,
  progress: Progress,
  settings: Settings,
): () => Promise<Buffer | null> {
  const inspection = openInspection(settings.vmdkAllowedTypes)
  const judge = () => {
    if (declaredSize !== null && progress.size !== declaredSize) throw sizeMismatch(declaredSize, progress.size)
    if (image.containerFormat === 'bare' && image.diskFormat !== null) {
      progress.virtualSize = judgeFormat(image.diskFormat, inspection.finish(), settings.requireImageFormatMatch)
    }
    progress.ended = true
    return null
  }
  return async () => {
    if (progress.failure) throw progress.failure
    if (progress.ended) return null
    try {
      const { done, value: chunk } = await source.next()
      if (done) return judge()
      progress.size += chunk.length
      checkGrowth(progress.size, declaredSize, settings.imageSizeCap)
      inspection.write(chunk)
      await hash.write(chunk)
      return chunk
    } catch (error) {
      progress.failure = isHearthError(error) ? error : clientGone(error)
      throw progress.failure
    }
  }
}

/** The same function, each call waiting for the one before. */
function oneAtATime<T>(work: () => Promise<T>): () => Promise<T> {
  let before: Promise<unknown> = Promise.resolve()
  return () => {
    const mine = before.catch(() => undefined).then(work)
    before = mine
    return mine
  }
}

function checkGrowth(size: number, declaredSize: number | null, cap: number): void {
  if (size > cap) throw glanceErrors.OverLimit({ reason: `Image exceeds the size cap of ${cap} bytes` })
  if (declaredSize !== null && size > declaredSize) throw sizeMismatch(declaredSize)
}

function sizeMismatch(declared: number, size?: number): HearthError {
  const got = size === undefined ? 'more' : `${size} bytes`
  return glanceErrors.BadRequest({ reason: `Image data is ${got} where ${declared} bytes were declared` })
}
