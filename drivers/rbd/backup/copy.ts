import { DriverError } from '@hearth/driver'
import type { RbdImage } from '../ceph/librbd.ts'

/** Bytes of the volume per request for changes: bounds memory, and the time until an abort takes effect. */
const windowBytes = 64 * 1024 ** 3
const blockBytes = 4 * 1024 ** 2
const inFlight = 8

interface Piece {
  offset: number
  length: number
  /** False when the range reads as zeros now. */
  exists: boolean
}

/**
 * Copies to `target` what changed in `source` since its snapshot `from` (everything but zeros when null). The bytes are
 * on stable storage when it returns.
 */
export async function copyChanges(
  source: RbdImage,
  target: RbdImage,
  from: string | null,
  signal?: AbortSignal,
): Promise<void> {
  const pieces = piecesOf(source, from, signal)
  let failed: { error: unknown } | undefined
  const lane = async () => {
    let memory: Buffer | undefined
    try {
      while (!failed) {
        signal?.throwIfAborted()
        const { value: piece, done } = await pieces.next()
        if (done) return
        memory ??= Buffer.allocUnsafeSlow(blockBytes)
        await copyPiece(source, target, piece, memory)
      }
    } catch (error) {
      failed ??= { error: signal?.aborted ? new DriverError('aborted', 'The backup was aborted', error) : error }
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  await pieces.return(undefined)
  if (failed) throw (failed as { error: unknown }).error
  await target.flush()
}

async function copyPiece(source: RbdImage, target: RbdImage, piece: Piece, memory: Buffer): Promise<void> {
  if (!piece.exists) return target.zero(piece.offset, piece.length)
  const block = memory.subarray(0, piece.length)
  await source.read(piece.offset, block)
  await target.write(piece.offset, block)
}

/** Yields the changed ranges in ascending order; none crosses a multiple of the block size. */
async function* piecesOf(source: RbdImage, from: string | null, signal?: AbortSignal): AsyncGenerator<Piece, void> {
  const size = await source.sizeBytes()
  for (let offset = 0; offset < size; offset += windowBytes) {
    const window = { offset, length: Math.min(windowBytes, size - offset), signal }
    for (const { exists, ...extent } of await source.diff(from, window)) {
      // The target of a full copy starts as zeros.
      if (!exists && from === null) continue
      const end = extent.offset + extent.length
      for (let at = extent.offset; at < end; ) {
        const length = Math.min(end, at - (at % blockBytes) + blockBytes) - at
        yield { offset: at, length, exists }
        at += length
      }
    }
  }
}
