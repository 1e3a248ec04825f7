import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { DriverError } from '@hearth/driver'
import type { PackedChunk, PackOptions } from './chunk.ts'
import type { ChunkJob } from './chunk-worker.ts'

/** Threads that hash and compress, so that the event loop stays free. The bytes given are gone for the caller. */
export interface ChunkWorkers {
  pack(bytes: Uint8Array<ArrayBuffer>, options: PackOptions): Promise<PackedChunk>
  /** Throws DriverError `failed` when the bytes differ from the saved ones. */
  unpack(bytes: Uint8Array, about: { compression: string; length: number; md5: string }): Promise<Uint8Array>
  close(): Promise<void>
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

interface Thread {
  worker: Worker
  waiting: Map<number, Waiting>
}

const idleMs = 15_000

/** Threads start with the first job and end after a quiet while. */
export function openChunkWorkers(size = Math.min(4, Math.max(2, availableParallelism()))): ChunkWorkers {
  const threads: Thread[] = []
  let jobs = 0
  let idle: NodeJS.Timeout | undefined

  function rest(): void {
    clearTimeout(idle)
    if (threads.some(({ waiting }) => waiting.size > 0)) return
    idle = setTimeout(() => void stop(), idleMs)
    idle.unref()
  }

  async function stop(): Promise<void> {
    clearTimeout(idle)
    await Promise.all(threads.splice(0).map(({ worker }) => worker.terminate()))
  }

  function run(job: ChunkJob): Promise<unknown> {
    clearTimeout(idle)
    const free = threads.find(({ waiting }) => waiting.size === 0)
    const least = () => threads.reduce((a, b) => (b.waiting.size < a.waiting.size ? b : a))
    const thread = free ?? (threads.length < size ? startThread(threads, rest) : least())
    jobs += 1
    return hand(thread, jobs, job)
  }

  return {
    pack: (bytes, options) => run({ kind: 'pack', bytes, options }) as Promise<PackedChunk>,
    unpack: (bytes, about) => run({ kind: 'unpack', bytes, about }) as Promise<Uint8Array>,
    close: stop,
  }
}

/** Adds a thread to `threads`, which it leaves when it ends; `done` is called after each job. */
function startThread(threads: Thread[], done: () => void): Thread {
  const worker = new Worker(new URL('./chunk-worker.ts', import.meta.url), { name: 'backup-chunks' })
  const thread: Thread = { worker, waiting: new Map() }
  const lose = (error: Error): void => {
    const index = threads.indexOf(thread)
    if (index >= 0) threads.splice(index, 1)
    for (const job of thread.waiting.values()) job.reject(error)
    thread.waiting.clear()
  }
  worker.unref()
  worker.on('message', ({ id, value, error }: { id: number; value?: unknown; error?: string }) => {
    const job = thread.waiting.get(id)
    thread.waiting.delete(id)
    if (error === undefined) job?.resolve(value)
    else job?.reject(new DriverError('failed', error))
    done()
  })
  worker.on('error', (error) => lose(error as Error))
  worker.on('exit', () => lose(new Error('the worker thread ended')))
  threads.push(thread)
  return thread
}

function hand({ worker, waiting }: Thread, id: number, job: ChunkJob): Promise<unknown> {
  const own = job.bytes.byteLength === job.bytes.buffer.byteLength
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject })
    worker.postMessage({ id, job }, own ? [job.bytes.buffer as ArrayBuffer] : [])
  })
}
