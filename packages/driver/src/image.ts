import type { Readable } from 'node:stream'

/** Where image bytes live. `location` is a URL only this store understands. */
export interface ImageStore {
  /**
   * Stores the stream under the image's id and returns when it is on stable storage. On failure or abort nothing is
   * left behind. `sizeHint` is in bytes when the client declared it. Throws DriverError `no-space` when full.
   */
  add(imageId: string, data: Readable, sizeHint: number | null, signal?: AbortSignal): Promise<StoredImage>
  /** Bytes `[offset, offset + length)`; the whole image without a range. Throws `not-found`. */
  get(location: string, range?: { offset: number; length: number }): Promise<Readable>
  /** Deleting what is gone succeeds. */
  delete(location: string): Promise<void>
  /** Image ids that have bytes here, for finding orphans. */
  list?(): Promise<string[]>
  /** Removes whatever is stored for an image id, finished or not. */
  purge(imageId: string): Promise<void>
  /** Throws what keeps the store from working now. Cheap: health checks ask it every few seconds. */
  check?(): Promise<void>
  close?(): Promise<void>
}

export interface StoredImage {
  location: string
  /** Bytes. */
  size: number
}
