import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Operation {
  kind: 'read' | 'write'
  /** Bytes. */
  offset: number
  length: number
}

export interface Pattern {
  operations: Operation[]
  /** Bytes read, and bytes written. */
  readBytes: number
  writtenBytes: number
  /** Bytes that a volume must have at least. */
  extent: number
}

interface Recording {
  recorded: string
  diskBytes: number
  /** Operations in order, several to a line: `r<first sector>+<sectors>`, or `w…`. */
  lines: string[]
}

const sector = 512

/**
 * The recorded boot, scaled so that about `workingSetMiB` are read: evenly thinned (or repeated with other
 * addresses), its order kept, and what it touches packed together at the start of the volume, so that every read
 * meets bytes of the image and not a hole.
 */
export function bootPattern(workingSetMiB: number, file = join(import.meta.dirname, 'pattern.json')): Pattern {
  const recording = JSON.parse(readFileSync(file, 'utf8')) as Recording
  const recorded = recording.lines.flatMap((line) => line.split(' ').map(operationOf))
  const factor = (workingSetMiB * 1024 ** 2) / bytesOf(recorded, 'read')
  const rounds = Math.ceil(factor)
  const operations = Array.from({ length: rounds }, (_, round) =>
    thin(recorded, factor / rounds).map((operation) => ({
      ...operation,
      offset: operation.offset + round * recording.diskBytes,
    })),
  ).flat()
  const packed = pack(operations)
  return {
    operations: packed,
    readBytes: bytesOf(packed, 'read'),
    writtenBytes: bytesOf(packed, 'write'),
    extent: Math.max(...packed.map((operation) => operation.offset + operation.length)),
  }
}

/** Reads one `r2048+64`. */
function operationOf(text: string): Operation {
  const match = /^([rw])(\d+)\+(\d+)$/.exec(text)
  if (!match) throw new Error(`not an operation: ${text}`)
  const [, kind, first, count] = match
  return {
    kind: kind === 'r' ? 'read' : 'write',
    offset: Number(first) * sector,
    length: Number(count) * sector,
  }
}

function bytesOf(operations: Operation[], kind: Operation['kind']): number {
  return operations.reduce((sum, operation) => sum + (operation.kind === kind ? operation.length : 0), 0)
}

/** Keeps `share` (0 to 1) of the bytes, spread over the whole sequence; reads and writes each on their own. */
function thin(operations: Operation[], share: number): Operation[] {
  const due = { read: 0, write: 0 }
  return operations.filter((operation) => {
    due[operation.kind] += operation.length * share
    const keep = due[operation.kind] >= operation.length / 2
    if (keep) due[operation.kind] -= operation.length
    return keep
  })
}

/** Moves the touched ranges together, in the order of their addresses. */
function pack(operations: Operation[]): Operation[] {
  const ranges: { start: number; end: number; base: number }[] = []
  for (const { offset, length } of operations.toSorted((a, b) => a.offset - b.offset)) {
    const last = ranges.at(-1)
    if (last && offset <= last.end) last.end = Math.max(last.end, offset + length)
    else ranges.push({ start: offset, end: offset + length, base: 0 })
  }
  let next = 0
  for (const range of ranges) {
    range.base = next
    next += range.end - range.start
  }
  return operations.map((operation) => {
    const range = ranges.findLast((candidate) => candidate.start <= operation.offset)!
    return { ...operation, offset: range.base + operation.offset - range.start }
  })
}
