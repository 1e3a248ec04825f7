import type { Capture } from './capture.ts'

/** Findings of one format's inspector after the whole stream. */
export interface Verdict {
  /** Bytes of the disk inside, null when the header does not tell. */
  virtualSize: number | null
  /** Why a file of this format must not be stored: sentences, none for a safe file. */
  problems: string[]
}

interface Inspector {
  /** Called after each chunk, to request regions whose offsets are in earlier bytes. */
  advance?(): void
  /** Null when the stream is not of this format. Called once, at the end. */
  finish(): Verdict | null
}

/** Recognises one image format from a stream without seeking, in bounded memory. */
export interface Format {
  name: string
  open(capture: Capture): Inspector
}

/** A little-endian or big-endian 64-bit field as a number; fields past 2^53 come back as Infinity. */
export function safeNumber(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(value)
}

/** The GUID of Microsoft's formats (first three groups little-endian) as lower-case text. */
export function guidAt(data: Buffer, offset: number): string {
  const hex = (from: number, to: number) => data.subarray(offset + from, offset + to).toString('hex')
  const first = Buffer.from(data.subarray(offset, offset + 4))
    .reverse()
    .toString('hex')
  const second = Buffer.from(data.subarray(offset + 4, offset + 6))
    .reverse()
    .toString('hex')
  const third = Buffer.from(data.subarray(offset + 6, offset + 8))
    .reverse()
    .toString('hex')
  return `${first}-${second}-${third}-${hex(8, 10)}-${hex(10, 16)}`
}
