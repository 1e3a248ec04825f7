/** The bytes of a volume or snapshot, read and written in place. Offsets and lengths are bytes. */
export interface Blocks {
  readonly sizeBytes: number
  /** Fills `into` with the bytes at `offset`; what lies beyond the end is an error. */
  read(offset: number, into: Uint8Array): Promise<void>
  write(offset: number, data: Uint8Array): Promise<void>
  /** Makes the range read as zeros, without storing them where the storage can. */
  zero(offset: number, length: number): Promise<void>
  /** What was written is on stable storage when it returns. */
  flush(): Promise<void>
  /** The ranges of `[0, sizeBytes)` that may hold other bytes than zeros, ascending, never overlapping. */
  extents(signal?: AbortSignal): AsyncIterable<Extent>
  close(): Promise<void>
}

export interface Extent {
  offset: number
  length: number
}
