import { type FileHandle, open } from 'node:fs/promises'
import { type BackupStore, DriverError, isDriverError } from '@hearth/driver'
import type { BackupDeps } from './backend-deps.ts'
import { isZero, release } from './chunk.ts'
import type { ObjectEntry } from './format.ts'
import { objectsAtOnce } from './objects.backend.ts'

/** Runs of zeros at least this long are looked for. */
const stepBytes = 65_536

export interface WriteBackInput {
  path: string
  container: string
  objects: ObjectEntry[]
  /** The target reads as zeros already: runs of zeros are skipped. */
  sparse: boolean
  store: BackupStore
  /** Throws when the work is no longer wanted. */
  check(): Promise<void>
}

/** Writes the objects of one backup to the volume; on stable storage when it returns. */
export async function writeBack(input: WriteBackInput, deps: BackupDeps): Promise<void> {
  const file = await open(input.path, 'r+')
  const line = input.objects.values()
  const zeros = openZeros(deps)
  const largest = input.objects.reduce((most, { length }) => Math.max(most, length), 1)
  try {
    const lanes = Array.from({ length: objectsAtOnce(largest) }, async () => {
      for (const entry of line) {
        deps.signal.throwIfAborted()
        await input.check()
        if ((await zeros(entry.length)) === entry.md5) {
          if (!input.sparse) await writeZeros(file, new Uint8Array(entry.length), entry.offset)
          continue
        }
        const bytes = await fetchObject(input, entry, deps)
        await writeRuns(file, bytes, entry.offset, input.sparse)
        release(bytes)
      }
    })
    const results = await Promise.allSettled(lanes)
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
    await file.sync()
  } finally {
    await file.close()
  }
}

/** The md5 of so many zeros: an object that has it need not even be fetched. */
function openZeros({ workers }: BackupDeps): (length: number) => Promise<string> {
  const known = new Map<number, Promise<string>>()
  return (length) => {
    const md5 =
      known.get(length) ??
      workers
        .pack(new Uint8Array(length), { compression: 'none', before: null })
        .then(({ extents }) => extents[0]?.md5 ?? '')
    known.set(length, md5)
    return md5
  }
}

async function fetchObject(input: WriteBackInput, entry: ObjectEntry, deps: BackupDeps): Promise<Uint8Array> {
  const data = await input.store.get(input.container, entry.name, deps.signal)
  try {
    return await deps.workers.unpack(data, entry)
  } catch (error) {
    const why = isDriverError(error) ? error.message : String(error)
    throw new DriverError('failed', `object ${entry.name} is broken: ${why}`, error)
  }
}

async function writeRuns(file: FileHandle, bytes: Uint8Array, offset: number, sparse: boolean): Promise<void> {
  for (let start = 0; start < bytes.length; ) {
    const zero = isZero(bytes.subarray(start, start + stepBytes))
    let end = start + stepBytes
    while (end < bytes.length && isZero(bytes.subarray(end, end + stepBytes)) === zero) end += stepBytes
    const run = bytes.subarray(start, end)
    if (!zero) await writeAll(file, run, offset + start)
    else if (!sparse) await writeZeros(file, run, offset + start)
    start = end
  }
}

/** Leaves holes where the volume reads as zeros already. */
async function writeZeros(file: FileHandle, zeros: Uint8Array, offset: number): Promise<void> {
  const present = Buffer.alloc(Math.min(zeros.length, 16 * stepBytes))
  for (let at = 0; at < zeros.length; at += present.length) {
    const length = Math.min(present.length, zeros.length - at)
    const { bytesRead } = await file.read(present, 0, length, offset + at)
    if (!isZero(present.subarray(0, bytesRead))) await writeAll(file, zeros.subarray(at, at + length), offset + at)
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done)
    done += bytesWritten
  }
}
