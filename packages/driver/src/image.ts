import type { Readable } from 'node:stream'

/** Stores the bytes of images. Only this store can interpret its `location` URLs. */
export interface ImageStore {
  /**
   * Stores the stream under the image's id and returns when it is on stable storage. Leaves nothing behind on failure
   * or abort. `sizeHint`: bytes as the client declared them, or null. Throws DriverError `no-space` when full.
   */
  add(imageId: string, data: Readable, sizeHint: number | null, signal?: AbortSignal): Promise<StoredImage>
  /** Reads bytes `[offset, offset + length)`; the whole image without a range. Throws `not-found`. */
  get(location: string, range?: { offset: number; length: number }): Promise<Readable>
  /** Succeeds also for an image that is gone. */
  delete(location: string): Promise<void>
  /** Returns the image ids that have bytes in this store; callers use them to find orphans. */
  list?(): Promise<string[]>
  /** Removes all bytes that are stored for an image id, finished or not. */
  purge(imageId: string): Promise<void>
  /** Throws when the store cannot work now. Cheap: health checks call it every few seconds. */
  check?(): Promise<void>
  close?(): Promise<void>
}

export interface StoredImage {
  location: string
  /** Bytes. */
  size: number
}
