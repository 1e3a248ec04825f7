import type { Worker } from 'node:worker_threads'
import type { Logger } from '@hearth/core'
import { StorageError, storageErrorOf } from '../errors.ts'
import { type Answer, openQueue, type Question } from './queue.ts'
import { startWorker } from './start-worker.ts'

interface DeviceThreadOptions {
  entry: URL
  folder: string
  log: Logger
  /** Whether questions of one turn of the event loop go together, for those that share a commit. */
  gather: boolean
  /** Called when SQLite finds that the index is not a sound database. */
  onBroken(error: StorageError): void
}

/** A thread that works on the index of a device. One that ends by itself is started again, later each time. */
interface DeviceThread {
  /** Throws StorageError. */
  ask(name: string, input: unknown, file?: string | null): Promise<unknown>
  /** Lets it finish what it has, and ends it. */
  close(): Promise<void>
}

const firstRest = 100
const longestRest = 10_000

/** Starts the thread and waits until it has opened the index. Throws StorageError when it cannot. */
export async function openDeviceThread(options: DeviceThreadOptions): Promise<DeviceThread> {
  const { folder, log, gather, onBroken } = options
  let worker: Worker
  let closing = false
  let restart: NodeJS.Timeout | undefined
  const queue = openQueue((questions: Question[]) => worker.postMessage(questions), folder, gather)
  const start = async (rest: number): Promise<void> => {
    const fresh = await startThread(options)
    if (closing) return stop(fresh)
    worker = fresh
    const began = performance.now()
    fresh.on('message', (answers: Answer[]) => {
      queue.answer(answers)
      const broken = answers.find((answer) => 'error' in answer && isBroken(answer.code))
      if (broken && 'error' in broken) onBroken(new StorageError('offline', broken.error))
    })
    fresh.on('error', (error) => log.error({ err: error, folder }, 'a thread of a device failed'))
    fresh.once('exit', (code) => {
      queue.fail(new StorageError('offline', `the thread of ${folder} ended with ${code}`))
      if (!closing) again(performance.now() - began > longestRest ? firstRest : Math.min(rest * 2, longestRest))
    })
    queue.open()
  }
  const again = (rest: number) => {
    restart = setTimeout(() => {
      start(rest).catch((error: StorageError & { code?: string }) => {
        log.error({ err: error, folder }, 'a thread of a device cannot be started again')
        if (isBroken(error.code)) onBroken(error)
        else if (!closing) again(Math.min(rest * 2, longestRest))
      })
    }, rest)
    restart.unref()
  }
  await start(firstRest)
  return {
    ask: queue.ask,
    async close() {
      while (queue.isWorking() && !closing) await new Promise((resolve) => setTimeout(resolve, 5))
      closing = true
      clearTimeout(restart)
      await stop(worker)
    },
  }
}

/** Codes of SQLite for a file that is no database, or a damaged one. */
export const isBroken = (code: string | undefined): boolean =>
  code === 'SQLITE_NOTADB' || (code?.startsWith('SQLITE_CORRUPT') ?? false)

function startThread({ entry, folder }: DeviceThreadOptions): Promise<Worker> {
  const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 }
  const worker = startWorker(entry, { workerData: { folder }, resourceLimits })
  const { promise, resolve, reject } = Promise.withResolvers<Worker>()
  const ended = (code: number) => reject(new StorageError('offline', `the thread of ${folder} ended with ${code}`))
  const failed = (error: unknown) => reject(Object.assign(storageErrorOf(error), { code: codeOf(error) }))
  worker.once('message', () => {
    worker.off('error', failed)
    worker.off('exit', ended)
    resolve(worker)
  })
  worker.once('error', failed)
  worker.once('exit', ended)
  return promise
}

const codeOf = (error: unknown): string | undefined => (error as { code?: string }).code

async function stop(worker: Worker): Promise<void> {
  if (worker.threadId === -1) return
  const exited = new Promise((resolve) => worker.once('exit', resolve))
  worker.postMessage('close')
  await exited
}
