import type { VolumeType } from '../types/store.ts'

/** The volume that needs a pool, and the conditions for that pool. */
export interface PlacementRequest {
  volumeId: string
  /** Additional space that the volume needs, in GiB. */
  sizeGiB: number
  type: VolumeType
  zone: string | null
  /** Backends that were tried before and failed. */
  excluded: string[]
  /** Backend that the volume must be on; null for any. */
  pinned: string | null
  /** Pool that the volume is in already, so the capacity filter accepts it. */
  currentPool: string | null
  hints: Record<string, unknown> | null
  /** The request is for the extension of an attached volume. */
  isOnlineExtend?: boolean
}
