import { isMarkedAsUntransferable, parentPort } from 'node:worker_threads'
import { type PackOptions, packChunk, release, unpackObject } from './chunk.ts'

/** A job for the thread; buffers are transferred, not copied. */
export type ChunkJob =
  | { kind: 'pack'; bytes: Uint8Array; options: PackOptions }
  | { kind: 'unpack'; bytes: Uint8Array; about: { compression: string; length: number; md5: string } }

parentPort?.on('message', ({ id, job }: { id: number; job: ChunkJob }) => {
  try {
    const value = job.kind === 'pack' ? packChunk(job.bytes, job.options) : unpackObject(job.bytes, job.about)
    const buffers = value instanceof Uint8Array ? [value] : value.extents.map(({ data }) => data)
    // Small results may lie in a pool that Node keeps for itself; those are copied.
    const transfer = new Set(
      buffers.map(({ buffer }) => buffer as ArrayBuffer).filter((buffer) => !isMarkedAsUntransferable(buffer)),
    )
    parentPort!.postMessage({ id, value }, [...transfer])
    release(job.bytes)
  } catch (error) {
    parentPort!.postMessage({ id, error: error instanceof Error ? error.message : String(error) })
  }
})
