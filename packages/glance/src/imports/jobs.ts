import type { StoreEntry } from '../data/stores.ts'
import type { Image } from '../model/images/image.ts'
import type { RemoteImage } from './remote-image.ts'

/** The imports under way in this process. */
export interface Imports {
  start(job: ImportJob): void
  /** Reads a registered location for its hash. */
  startHashing(job: HashJob): void
  /** Stops running jobs and waits until they have cleaned up. */
  close(): Promise<void>
}

/** An import that was accepted and is to be run. */
export interface ImportJob {
  taskId: string
  image: Image
  method: string
  uri: string | null
  /** For glance-download. */
  remote: RemoteImage | null
  targets: StoreEntry[]
  /** One store failing fails the import. */
  allMustSucceed: boolean
}

export interface HashJob {
  taskId: string
  imageId: string
  url: string
  /** Sha512 that the client says the bytes have; null when it did not. */
  expected: string | null
}
