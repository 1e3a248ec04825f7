import { type BackupStore, type Blocks, DriverError, isDriverError, writeSparse } from '@hearth/driver'
import type { BackupDeps } from './deps.ts'
import { release } from './format/chunk.ts'
import type { ObjectEntry } from './format/format.ts'
import { objectsAtOnce } from './objects.ts'

interface WriteBackInput {
  target: Blocks
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
  const line = input.objects.values()
  const zeros = openZeros(deps)
  const largest = input.objects.reduce((most, { length }) => Math.max(most, length), 1)
  const { target, sparse } = input
  const lanes = Array.from({ length: objectsAtOnce(largest) }, async () => {
    for (const entry of line) {
      deps.signal.throwIfAborted()
      await input.check()
      if ((await zeros(entry.length)) === entry.md5) {
        if (!sparse) await target.zero(entry.offset, entry.length)
        continue
      }
      const bytes = await fetchObject(input, entry, deps)
      await writeSparse(target, entry.offset, bytes, sparse)
      release(bytes)
    }
  })
  const results = await Promise.allSettled(lanes)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
  await target.flush()
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
