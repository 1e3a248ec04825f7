import { type BackupStore, type Blocks, DriverError } from '@hearth/driver'
import type { BackupRow } from '../model/backups/store.ts'
import type { BackupDeps } from './deps.ts'
import { isZero, type PackedChunk, release } from './format/chunk.ts'
import { cutStream } from './format/cut.ts'
import { type ObjectEntry, objectName } from './format/format.ts'
import { readPieces } from './format/pieces.ts'

/** Bytes of the chunks that are hashed, compressed or sent at once; each may take twice its size in memory. */
const bytesAtOnce = 128 * 1024 * 1024

/** Objects of this size that are worked on side by side. */
export function objectsAtOnce(chunkBytes: number): number {
  return Math.min(6, Math.max(2, Math.floor(bytesAtOnce / chunkBytes)))
}

interface WriteInput {
  backup: BackupRow
  source: Blocks
  /** Bytes of the volume. */
  length: number
  store: BackupStore
  /** Hashes of the backup to build on, null for a full one. */
  before: string[] | null
  /** Throws when the work is no longer wanted. */
  check(): Promise<void>
}

interface Written {
  objects: ObjectEntry[]
  sha256s: string[]
}

/** Stores a volume's bytes as objects of the chunked format. */
export async function writeObjects(input: WriteInput, deps: BackupDeps): Promise<Written> {
  const running = new Set<Promise<void>>()
  const writer = openWriter(input, deps)
  const most = objectsAtOnce(deps.chunkBytes)
  let failed: { error: unknown } | undefined
  try {
    await cutStream(readPieces(input, deps.chunkBytes, deps.signal), deps.chunkBytes, async (chunk) => {
      while (running.size >= most) await Promise.race(running)
      if (failed) throw failed.error
      deps.signal.throwIfAborted()
      await input.check()
      const task: Promise<void> = writer
        .add(chunk)
        .catch((error: unknown) => {
          failed ??= { error }
        })
        .finally(() => running.delete(task))
      running.add(task)
    })
  } finally {
    await Promise.all(running)
  }
  if (failed) throw failed.error
  return writer.written()
}

function openWriter({ backup, store, before }: WriteInput, deps: BackupDeps) {
  const { chunkBytes, compression, workers, signal } = deps
  const blocksPerChunk = chunkBytes / 32_768
  const hashes: string[][] = []
  const objects: ObjectEntry[] = []
  const zeros = new Map<number, Promise<PackedChunk>>()
  // Objects are numbered in the order of the bytes although chunks are packed side by side.
  let numbered: Promise<unknown> = Promise.resolve()

  function pack(chunk: Buffer, index: number): Promise<PackedChunk> {
    if (before !== null) {
      const slice = before.slice(index * blocksPerChunk, (index + 1) * blocksPerChunk)
      return workers.pack(new Uint8Array(chunk), { compression, before: slice })
    }
    if (!isZero(chunk)) return workers.pack(new Uint8Array(chunk), { compression, before: null })
    const known = zeros.get(chunk.length) ?? workers.pack(new Uint8Array(chunk.length), { compression, before: null })
    zeros.set(chunk.length, known)
    return known
  }

  return {
    async add(chunk: Buffer): Promise<void> {
      const index = hashes.push([]) - 1
      const packing = pack(chunk, index)
      const turn = numbered.then(async () => {
        const { sha256s, extents } = await packing
        hashes[index] = sha256s
        return extents.map((extent) => {
          const { length, compression: kind, md5 } = extent
          const offset = index * chunkBytes + extent.offset
          const name = objectName(backup.service_metadata!, objects.length + 1)
          objects.push({ name, offset, length, compression: kind, md5 })
          return { name, data: extent.data }
        })
      })
      numbered = turn.catch(() => undefined)
      for (const { name, data } of await turn) await store.put(backup.container!, name, data, signal)
      const isShared = zeros.get(chunk.length) === packing
      if (!isShared) for (const { data } of (await packing).extents) release(data)
    },
    written: (): Written => ({ objects, sha256s: hashes.flat() }),
  }
}

/** Removes every object of a backup, finished or not. */
export async function purgeObjects(backup: BackupRow, store: BackupStore): Promise<void> {
  const { container, service_metadata: prefix } = backup
  if (!container || !prefix) return
  const names = await store.list(container, prefix).catch((error: unknown) => {
    if (error instanceof DriverError && error.kind === 'not-found') return []
    throw error
  })
  const line = names.values()
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (const name of line) await store.delete(container, name)
    }),
  )
}
