import type { Blocks, Extent } from './blocks.ts'
import { DriverError } from './errors.ts'

export interface CopyBlocks {
  /** True when the target reads as zeros: zeros of the source are not written. */
  targetIsZero: boolean
  signal?: AbortSignal
  /** Start offset: an earlier `onProgress` reported that all bytes before it are in the target. */
  from?: number
  /** Called every `progressBytes` and at the end: all bytes before `offset` are on stable storage in the target. */
  onProgress?(offset: number): Promise<void> | void
  /** Bytes of one read; 512 KiB when absent. */
  blockBytes?: number
  /** Reads and writes under way at once; together with `blockBytes` the memory it takes. 16 when absent. */
  inFlight?: number
  /** Bytes between two calls of `onProgress`; 256 MiB when absent. */
  progressBytes?: number
}

/** Larger writes make the kernel allocate larger pages for the file, which costs more than it saves. */
const usualBlockBytes = 512 * 1024
/** Runs of zeros are looked for in pieces of this size. */
const grain = 64 * 1024
const noBytes = new Uint8Array(grain)

/** The next work of a lane: copies a block, or zeroes a range between extents. */
interface Step extends Extent {
  kind: 'copy' | 'zero'
}

interface Copying {
  source: Blocks
  target: Blocks
  options: CopyBlocks
  steps: AsyncIterator<Step>
  /** Offsets of the steps that are under way. */
  open: Set<number>
  /** Where the next step begins. */
  next: number
  /** Offset of the last report to `onProgress`; `telling` is the call in progress. */
  told: number
  telling: Promise<void> | null
  failed: { error: unknown } | null
}

/**
 * Copies the bytes of `source` to the beginning of `target`, holes as holes, several blocks at once; a larger target
 * reads as zeros beyond them. On stable storage when it returns. Throws DriverError `invalid` for a target that is too
 * small, `aborted`.
 */
export async function copyBlocks(source: Blocks, target: Blocks, options: CopyBlocks): Promise<void> {
  if (source.sizeBytes > target.sizeBytes) {
    throw new DriverError('invalid', `${source.sizeBytes} bytes cannot be copied over ${target.sizeBytes}`)
  }
  const { from = 0, inFlight = 16 } = options
  const steps = stepsOf(source, target, options)
  const copying: Copying = {
    ...{ source, target, options, steps, open: new Set<number>(), next: from, told: from },
    ...{ telling: null, failed: null },
  }
  const lanes = Array.from({ length: inFlight }, () => runLane(copying))
  await Promise.all(lanes)
  await copying.telling
  await steps.return(undefined)
  if (copying.failed) throw (copying.failed as { error: unknown }).error
  await target.flush()
  await options.onProgress?.(target.sizeBytes)
}

/**
 * Takes steps until there are none, or any lane has failed; never rejects, so that no block is in use when the copy
 * ends.
 */
async function runLane(copying: Copying): Promise<void> {
  const { source, target, options, steps, open } = copying
  const { blockBytes = usualBlockBytes, targetIsZero, signal } = options
  let memory: Uint8Array | undefined
  try {
    while (!copying.failed) {
      if (signal?.aborted) throw new DriverError('aborted', 'The copy was aborted')
      const { value: step, done } = await steps.next()
      if (done) return
      open.add(step.offset)
      copying.next = step.offset + step.length
      if (step.kind === 'zero') await target.zero(step.offset, step.length)
      else {
        memory ??= Buffer.allocUnsafeSlow(blockBytes)
        const block = memory.subarray(0, step.length)
        await source.read(step.offset, block)
        await writeSparse(target, step.offset, block, targetIsZero)
      }
      open.delete(step.offset)
      tell(copying)
    }
  } catch (error) {
    copying.failed ??= { error }
  }
}

/** Starts a progress report, unless one is in progress or fewer than `progressBytes` were copied since the last. */
function tell(copying: Copying): void {
  const { target, options, open, next } = copying
  const { onProgress, progressBytes = 256 * 1024 ** 2 } = options
  const reached = Math.min(next, ...open)
  if (!onProgress || copying.telling || reached - copying.told < progressBytes) return
  copying.telling = (async () => {
    try {
      await target.flush()
      await onProgress(reached)
      copying.told = reached
    } catch (error) {
      copying.failed ??= { error }
    }
    copying.telling = null
  })()
}

/** Yields the steps in ascending order; without gaps if the target has to be overwritten. */
async function* stepsOf(source: Blocks, target: Blocks, options: CopyBlocks): AsyncGenerator<Step, void> {
  const { blockBytes = usualBlockBytes, from = 0, targetIsZero, signal } = options
  let at = from
  const gap = (end: number): Step[] =>
    targetIsZero || end <= at ? [] : [{ kind: 'zero', offset: at, length: end - at }]
  for await (const extent of source.extents(signal)) {
    const end = extent.offset + extent.length
    if (end <= at) continue
    yield* gap(extent.offset)
    for (at = Math.max(at, extent.offset); at < end; ) {
      // Blocks end at multiples of their size, wherever the extent began.
      const length = Math.min(end, at - (at % blockBytes) + blockBytes) - at
      yield { kind: 'copy', offset: at, length }
      at += length
    }
  }
  yield* gap(target.sizeBytes)
}

/** Writes `block` at `offset`, its runs of zeros as zeros, or not at all where the target reads as zeros. */
export async function writeSparse(
  target: Pick<Blocks, 'write' | 'zero'>,
  offset: number,
  block: Uint8Array,
  targetIsZero: boolean,
): Promise<void> {
  for (let start = 0; start < block.length; ) {
    const zero = isZero(block, start)
    let end = start + grain
    while (end < block.length && isZero(block, end) === zero) end += grain
    end = Math.min(end, block.length)
    if (!zero) await target.write(offset + start, block.subarray(start, end))
    else if (!targetIsZero) await target.zero(offset + start, end - start)
    start = end
  }
}

function isZero(block: Uint8Array, start: number): boolean {
  const end = Math.min(start + grain, block.length)
  return Buffer.compare(block.subarray(start, end), noBytes.subarray(0, end - start)) === 0
}

const aheadBytes = 4 * 1024 ** 2
const noStretch: Buffer = Buffer.alloc(aheadBytes)

/**
 * Yields all bytes in order, and reads the next piece while the caller uses one. Ranges outside of extents are zeros
 * and are not read.
 */
export async function* bytesInOrder(source: Blocks, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const ready: Promise<Buffer>[] = []
  try {
    for await (const piece of pieces(source, signal)) {
      ready.push(piece())
      // A failure is thrown later, when this piece is awaited in its order.
      ready.at(-1)!.catch(() => undefined)
      if (ready.length > 1) yield await ready.shift()!
    }
    for (const last of ready.splice(0)) yield await last
  } finally {
    await Promise.allSettled(ready)
  }
}

async function* pieces(source: Blocks, signal?: AbortSignal): AsyncGenerator<() => Promise<Buffer>> {
  let at = 0
  const gap = function* (end: number) {
    for (; at < end; at = Math.min(at + aheadBytes, end)) {
      const length = Math.min(aheadBytes, end - at)
      yield async () => noStretch.subarray(0, length)
    }
  }
  for await (const { offset, length } of source.extents(signal)) {
    yield* gap(offset)
    const end = offset + length
    for (; at < end; at = Math.min(at + aheadBytes, end)) {
      const from = at
      yield async () => {
        if (signal?.aborted) throw new DriverError('aborted', 'Reading was aborted')
        const memory = Buffer.allocUnsafeSlow(Math.min(aheadBytes, end - from))
        await source.read(from, memory)
        return memory
      }
    }
  }
  yield* gap(source.sizeBytes)
}
