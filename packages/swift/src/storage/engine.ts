import { mkdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import type { Logger } from '@hearth/core'
import { type BodyRange, openStage, prepareBodies, readBody, type Stage } from './bodies.ts'
import { StorageError, storageErrorOf } from './errors.ts'
import type { ReadName, ReadOperations, WriteName, WriteOperations } from './operations.ts'
import { reads } from './reads.ts'
import { openSqlite } from './sqlite.ts'
import { startWorker } from './start-worker.ts'
import { sweepOrphans } from './sweep.ts'
import type { WriteRequest, WriteResult } from './worker.ts'

export interface EngineOptions {
  folder: string
  /** Bytes of the disk that no object may fill, so that deleting always works; 1 % but at least 32 MiB when absent. */
  reserve?: number
  log: Logger
}

/** One device: an SQLite index written by a worker thread, and body files. */
export interface Engine {
  /** Resolves when the change is on stable storage. Throws StorageError. */
  write<K extends WriteName>(
    name: K,
    input: WriteOperations[K][0],
    file?: string | null,
  ): Promise<WriteOperations[K][1]>
  read<K extends ReadName>(name: K, input: ReadOperations[K][0]): ReadOperations[K][1]
  /** Opens a body file. Throws StorageError `full` when `size` bytes (0 when unknown) would not fit. */
  stage(hash: string, size: number): Promise<Stage>
  body(range: BodyRange): AsyncGenerator<Buffer>
  /** Resolves when the files that a crash left behind are gone. */
  swept: Promise<number>
  close(): Promise<void>
}

export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { folder, log, reserve } = options
  await mkdir(folder, { recursive: true })
  await prepareBodies(folder)
  const writer = await openWriter(folder, log)
  const db = openSqlite(join(folder, 'index.db'), { readonly: true })
  db.pragma('cache_size = -4000')
  const hasRoom = roomCheck(folder, reserve)
  let open = true
  const swept = sweepOrphans(
    folder,
    (hash) => reads.getObject(db, { hash }),
    () => open,
  ).catch((error: unknown) => {
    log.warn({ err: error, folder }, 'sweeping orphan bodies failed')
    return 0
  })
  return {
    async write(name, input, file = null) {
      if (name === 'putObject') await hasRoom((input as WriteOperations['putObject'][0]).object.body?.length ?? 0)
      return writer.write(name, input, file) as Promise<never>
    },
    read: (name, input) => reads[name](db, input),
    async stage(hash, size) {
      await hasRoom(size)
      return openStage(folder, hash)
    },
    body: (range) => readBody(folder, range),
    swept,
    async close() {
      if (!open) return
      open = false
      await swept
      await writer.close()
      db.close()
    },
  }
}

/** What the index and its log may need while objects are deleted. */
const leastReserve = 32 * 1024 * 1024

/** Refuses what would leave less than the reserve; the free space is looked up at most every 200 ms. */
function roomCheck(folder: string, reserve: number | undefined): (size: number) => Promise<void> {
  let free = 0
  let lookedUp = 0
  return async (size) => {
    if (Date.now() - lookedUp > 200) {
      const disk = await statfs(folder)
      free = disk.bavail * disk.bsize - (reserve ?? Math.max(leastReserve, disk.blocks * disk.bsize * 0.01))
      lookedUp = Date.now()
    }
    free -= size
    if (free >= 0) return
    free += size
    throw new StorageError('full', `no space left on ${folder} for ${size} bytes`)
  }
}

interface Writer {
  write(name: WriteName, input: unknown, file: string | null): Promise<unknown>
  close(): Promise<void>
}

interface Waiting {
  resolve(reply: unknown): void
  reject(error: Error): void
}

/** Starts the worker and hands writes to it. */
async function openWriter(folder: string, log: Logger): Promise<Writer> {
  const worker = startWorker(new URL('./worker.ts', import.meta.url), {
    workerData: { folder },
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 },
  })
  await started(worker)
  const queue = openQueue((requests) => worker.postMessage(requests))
  worker.on('message', (results: WriteResult[]) => queue.answer(results))
  worker.on('error', (error) => {
    log.error({ err: error, folder }, 'the writer of a device failed')
    queue.die(new StorageError('offline', `the writer of ${folder} failed: ${(error as Error).message}`))
  })
  worker.on('exit', (code) => queue.die(new StorageError('offline', `the writer of ${folder} stopped with ${code}`)))
  return { write: queue.write, close: () => stop(worker, queue.isWorking) }
}

/** While one group of writes is being committed, the next one gathers. */
function openQueue(post: (requests: WriteRequest[]) => void) {
  const waiting = new Map<number, Waiting>()
  let gathering: WriteRequest[] = []
  let busy = false
  let dead: StorageError | null = null
  let next = 1
  const send = () => {
    busy = gathering.length > 0
    if (busy) post(gathering.splice(0, maxGroup))
  }
  return {
    isWorking: () => busy || gathering.length > 0,
    write(name: WriteName, input: unknown, file: string | null): Promise<unknown> {
      if (dead) return Promise.reject(dead)
      return new Promise((resolve, reject) => {
        const id = next++
        waiting.set(id, { resolve, reject })
        gathering.push({ id, name, input, file })
        if (!busy) {
          busy = true
          setImmediate(send)
        }
      })
    },
    answer(results: WriteResult[]) {
      send()
      for (const result of results) {
        const { resolve, reject } = waiting.get(result.id)!
        waiting.delete(result.id)
        if ('error' in result) reject(storageErrorOf({ code: result.code, message: result.error }))
        else resolve(result.reply)
      }
    },
    die(reason: StorageError) {
      dead = reason
      for (const { reject } of waiting.values()) reject(reason)
      waiting.clear()
      gathering = []
      busy = false
    },
  }
}

/** Writes that share one commit, at most. */
const maxGroup = 256

function started(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('message', () => {
      worker.off('error', reject)
      resolve()
    })
    worker.once('error', (error) => reject(storageErrorOf(error)))
  })
}

async function stop(worker: Worker, working: () => boolean): Promise<void> {
  while (working()) await new Promise((resolve) => setTimeout(resolve, 5))
  const exited = new Promise((resolve) => worker.once('exit', resolve))
  worker.postMessage('close')
  await exited
}
