import type { VolumeType } from '../types/store.ts'

/** What a place is sought for. */
export interface PlacementRequest {
  volumeId: string
  /** GiB more than there is now. */
  sizeGiB: number
  type: VolumeType
  zone: string | null
  /** Backends that have failed before. */
  excluded: string[]
  /** Backend it must be on. */
  pinned: string | null
  /** Pool it is on already, which capacity cannot rule out. */
  currentPool: string | null
  hints: Record<string, unknown> | null
  /** The volume is attached and shall grow. */
  isOnlineExtend?: boolean
}
