import { randomBytes } from 'node:crypto'
import { chmod, type FileHandle, mkdir, open, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { StorageError, storageErrorOf } from '../errors.ts'
import { openScratch } from './scratch.ts'

/** Bodies are checked, and read, in pieces of this size. */
export const blockSize = 1024 * 1024

/** A body being written: nothing refers to it until a `putObject` names its file. */
export interface Stage {
  file: string
  write(chunks: Buffer[]): Promise<void>
  /** Resolves when the bytes are on stable storage. */
  finish(): Promise<void>
  /** Removes the written bytes. */
  abort(): Promise<void>
}

/** Bytes after which a growing body is flushed in passing, so that its end is not a long wait. */
const flushEvery = 32 * blockSize

/**
 * Returns a new name of a body file. It begins with the object's hash, by which the sweep finds its row. Throws for an
 * invalid hash.
 */
export function newBodyFile(hash: string): string {
  const file = `bodies/${hash.slice(0, 2)}/${hash}-${randomBytes(8).toString('hex')}`
  if (!isBodyFile(file)) throw new StorageError('offline', 'a hash is 32 hex digits')
  return file
}

/** True for names that newBodyFile() makes. All others could lead out of the device's folder. */
export const isBodyFile = (file: unknown): file is string =>
  typeof file === 'string' && /^bodies\/([0-9a-f]{2})\/\1[0-9a-f]{30}-[0-9a-f]{16}$/.test(file)

/** Hash of the object that a body file belongs to. */
export const hashOfBody = (file: string): string => file.slice(10, 42)

/** Makes the 256 folders of body files, which only this user may enter. */
export async function prepareBodies(folder: string): Promise<void> {
  await mkdir(join(folder, 'bodies'), { recursive: true, mode: 0o700 })
  await chmod(join(folder, 'bodies'), 0o700)
  const there = new Set(await readdir(join(folder, 'bodies')))
  const names = Array.from({ length: 256 }, (_, number) => number.toString(16).padStart(2, '0'))
  const missing = names.filter((name) => !there.has(name))
  if (missing.length === 0) return
  await Promise.all(missing.map((name) => mkdir(join(folder, 'bodies', name), { mode: 0o700 })))
  const handle = await open(join(folder, 'bodies'), 'r')
  await handle.sync()
  await handle.close()
}

/** Opens a new body file, named by newBodyFile(), below `folder`. */
export async function openStage(folder: string, file: string): Promise<Stage> {
  const handle = await open(join(folder, file), 'wx', 0o600).catch((error: unknown) => {
    throw storageErrorOf(error)
  })
  let isOpen = true
  const close = async () => {
    await flushing.catch(() => undefined)
    if (isOpen) await handle.close()
    isOpen = false
  }
  let unflushed = 0
  let flushing: Promise<void> = Promise.resolve()
  return {
    file,
    async write(chunks) {
      try {
        await writeFully(handle, chunks)
        unflushed += chunks.reduce((sum, chunk) => sum + chunk.length, 0)
        if (unflushed < flushEvery) return
        unflushed = 0
        await flushing
        flushing = handle.datasync()
        // Seen when it is awaited, at the next flush or at the end.
        flushing.catch(() => undefined)
      } catch (error) {
        throw storageErrorOf(error)
      }
    },
    async finish() {
      try {
        await flushing
        await handle.datasync()
        const { nlink } = await handle.stat()
        if (nlink === 0) throw new StorageError('missing', `${file} was removed while it was written`)
        await close()
      } catch (error) {
        throw storageErrorOf(error)
      }
    },
    async abort() {
      await close().catch(() => undefined)
      await unlink(join(folder, file)).catch(() => undefined)
    },
  }
}

async function writeFully(handle: FileHandle, chunks: Buffer[]): Promise<void> {
  let rest = chunks
  while (rest.length > 0) {
    let { bytesWritten } = await handle.writev(rest)
    const index = rest.findIndex((chunk) => {
      if (bytesWritten < chunk.length) return true
      bytesWritten -= chunk.length
      return false
    })
    rest = index < 0 ? [] : [rest[index]!.subarray(bytesWritten), ...rest.slice(index + 1)]
  }
}

export interface BodyRange {
  file: string
  size: number
  sums: Uint8Array
  /** First byte and one behind the last. */
  start: number
  end: number
}

/**
 * Reads a part of a body block by block, each block checked against its sum before a byte of it is handed on.
 * Throws StorageError `missing` or `corrupt`.
 */
export async function* readBody(folder: string, range: BodyRange): AsyncGenerator<Buffer> {
  if (!isBodyFile(range.file)) throw new StorageError('missing', 'that is no body file')
  const handle = await open(join(folder, range.file), 'r').catch((error: unknown) => {
    throw storageErrorOf(error)
  })
  try {
    const sums = new DataView(range.sums.buffer, range.sums.byteOffset, range.sums.byteLength)
    for (let at = range.start; at < range.end; ) {
      const block = Math.floor(at / blockSize)
      const from = block * blockSize
      const length = Math.min(blockSize, range.size - from)
      const until = Math.min(range.end, from + length)
      const read = async (into: Buffer | null): Promise<Buffer> => {
        const buffer = into?.subarray(0, length) ?? Buffer.allocUnsafeSlow(length)
        await fill(handle, buffer, from)
        if (crc32(buffer) === sums.getUint32(block * 4, true)) return buffer
        throw new StorageError('corrupt', `block ${block} of ${range.file} does not match its sum`)
      }
      yield* handOn(read, at - from, until - from)
      at = until
    }
  } finally {
    await handle.close()
  }
}

/** Blocks that may wait for their readers as they are; beyond it, a reader that stops costs a small copy. */
const mostWaiting = 16
const copySize = 64 * 1024
const patienceMs = 100
let waiting = 0
const scratch = openScratch(8, blockSize)

/** Hands on the bytes [start, end) of a block: whole, or in copies that give the block back while the reader pauses. */
async function* handOn(
  read: (into: Buffer | null) => Promise<Buffer>,
  start: number,
  end: number,
): AsyncGenerator<Buffer> {
  if (waiting < mostWaiting) {
    waiting++
    try {
      yield (await read(null)).subarray(start, end)
    } finally {
      waiting--
    }
    return
  }
  let lent: Buffer | null = null
  let block: Buffer = Buffer.alloc(0)
  const giveBack = () => {
    if (lent) scratch.giveBack(lent)
    lent = null
  }
  try {
    for (let at = start; at < end; at += copySize) {
      if (!lent) {
        lent = await scratch.lend()
        block = await read(lent)
      }
      const piece = Buffer.from(block.subarray(at, Math.min(at + copySize, end)))
      const timer = setTimeout(giveBack, patienceMs)
      try {
        yield piece
      } finally {
        clearTimeout(timer)
      }
    }
  } finally {
    giveBack()
  }
}

async function fill(handle: FileHandle, buffer: Buffer, from: number): Promise<void> {
  for (let filled = 0; filled < buffer.length; ) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, from + filled)
    if (bytesRead === 0) throw new StorageError('corrupt', 'a body file is shorter than its object')
    filled += bytesRead
  }
}
