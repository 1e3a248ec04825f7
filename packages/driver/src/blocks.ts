/** The bytes of a volume or snapshot, read and written in place. Offsets and lengths are bytes. */
export interface Blocks {
  readonly sizeBytes: number
  /** Fills `into` with the bytes at `offset`. Throws when the range goes beyond the end. */
  read(offset: number, into: Uint8Array): Promise<void>
  write(offset: number, data: Uint8Array): Promise<void>
  /** Makes the range read as zeros, without allocating space if the storage can do that. */
  zero(offset: number, length: number): Promise<void>
  /** Returns when all earlier writes are on stable storage. */
  flush(): Promise<void>
  /** Yields the ranges of `[0, sizeBytes)` that may contain non-zero bytes: ascending, without overlaps. */
  extents(signal?: AbortSignal): AsyncIterable<Extent>
  close(): Promise<void>
}

export interface Extent {
  offset: number
  length: number
}
