import { chmod, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { type Logger, takeExclusiveLock } from '@hearth/core'
import { type BodyRange, newBodyFile, openStage, prepareBodies, readBody, type Stage } from '../bodies/bodies.ts'
import { openUploads } from '../bodies/uploads.ts'
import { fillReserve, roomCheck } from '../device/reserve.ts'
import { sweepOrphans } from '../device/sweep.ts'
import { StorageError } from '../errors.ts'
import type { ReadName, ReadOperations, WriteName, WriteOperations } from '../records/operations.ts'
import { openDeviceThread } from './device-thread.ts'

interface EngineOptions {
  folder: string
  /** Bytes of the disk that no object may fill, so that deleting always works; 1 % but at least 32 MiB when absent. */
  reserve?: number
  log: Logger
  /** Called, maybe more than once, when the index is not a sound database. */
  onBroken?(error: StorageError): void
  /** Milliseconds without a write after which an upload is removed; default half an hour. */
  idleUpload?: number
}

/**
 * One device: an SQLite index with one writing and one reading thread, and body files. All methods throw StorageError.
 */
export interface Engine {
  /** Resolves when the change is on stable storage. */
  write<K extends WriteName>(
    name: K,
    input: WriteOperations[K][0],
    file?: string | null,
  ): Promise<WriteOperations[K][1]>
  read<K extends ReadName>(name: K, input: ReadOperations[K][0]): Promise<ReadOperations[K][1]>
  /** Opens a body file. Throws StorageError `full` when `size` bytes (0 when unknown) would not fit. */
  stage(hash: string, size: number): Promise<Stage>
  /** A body that is being written, by its file; undefined when there is none (any more). */
  staged(file: string): Stage | undefined
  body(range: BodyRange): AsyncGenerator<Buffer>
  /** Makes what the device gives up on a full disk anew, when there is room. */
  tidy(): Promise<void>
  /** Resolves when the files that a crash left behind are gone. */
  swept: Promise<number>
  close(): Promise<void>
}

/**
 * Opens a device, whose folder is made when it is absent. Throws HearthError `Locked` when another process, or another
 * engine of this one, has it open; StorageError when it cannot be used.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { folder } = options
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700).catch(() => undefined)
  const lock = await takeExclusiveLock(join(folder, 'lock'))
  try {
    return await openLocked(options, lock.release)
  } catch (error) {
    lock.release()
    throw error
  }
}

async function openLocked(options: EngineOptions, release: () => void): Promise<Engine> {
  const { folder, log, reserve, onBroken = () => undefined, idleUpload = 1_800_000 } = options
  await prepareBodies(folder)
  await restrictIndex(folder)
  const thread = (file: string, gather: boolean) =>
    openDeviceThread({ entry: new URL(file, import.meta.url), folder, log, gather, onBroken })
  const writer = await thread('./worker.ts', true)
  const reader = await thread('./reader.ts', false).catch(async (error: unknown) => {
    await writer.close()
    throw error
  })
  const hasRoom = roomCheck(folder, reserve)
  const uploads = openUploads(idleUpload)
  let isOpen = true
  const read: Engine['read'] = (name, input) => reader.ask(name, input) as Promise<never>
  const find = (hash: string) => read('getFile', { hash })
  const swept = sweepOrphans(folder, find, uploads.has, () => isOpen).catch((error: unknown) => {
    log.warn({ err: error, folder }, 'sweeping orphan bodies failed')
    return 0
  })
  return {
    async write(name, input, file = null) {
      if (name === 'putObject') await hasRoom((input as WriteOperations['putObject'][0]).object.body?.length ?? 0)
      if (file === null) return writer.ask(name, input) as Promise<never>
      return uploads.commit(file, () => writer.ask(name, input, file)) as Promise<never>
    },
    read,
    async stage(hash, size) {
      await hasRoom(size)
      if (!isOpen) throw new StorageError('offline', `${folder} is closed`)
      const file = newBodyFile(hash)
      return uploads.add(file, openStage(folder, file))
    },
    staged: uploads.get,
    body: (range) => readBody(folder, range),
    tidy: () => fillReserve(folder),
    swept,
    async close() {
      if (!isOpen) return
      isOpen = false
      await swept
      await uploads.close()
      // The last to close writes the log back into the index, which a reader cannot do.
      await reader.close()
      await writer.close()
      release()
    },
  }
}

/** Makes the index readable by this user only; SQLite gives its other files the same mode. */
async function restrictIndex(folder: string): Promise<void> {
  const index = join(folder, 'index.db')
  const handle = await open(index, 'a', 0o600)
  await handle.close()
  for (const file of [index, `${index}-wal`, `${index}-shm`]) await chmod(file, 0o600).catch(() => undefined)
}
