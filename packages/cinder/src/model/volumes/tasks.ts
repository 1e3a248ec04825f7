/** Facts about an image, read when its volume is requested. */
export interface ImageSource {
  id: string
  checksum: string
  diskFormat: string
  containerFormat: string
  /** Bytes to download; 0 when unknown. */
  size: number
}

export type Hints = Record<string, unknown>

/** `task` of a new volume: facts for the scheduler and the volume role that have no column. */
export interface CreationTask {
  bootable: boolean
  /** Backend that the volume must be on, `host1@file`; null for any. */
  pinned: string | null
  image: ImageSource | null
  hints: Hints | null
}

/** `task` of a volume in `retyping`. */
export interface RetypeTask {
  newTypeId: string
  multiattach: boolean
  policy: 'never' | 'on-demand'
}

/** `task` of a volume in `reverting`. */
export interface RevertTask {
  snapshotId: string
}

/** `task` of a volume in `uploading`. */
export interface UploadTask {
  imageId: string
  diskFormat: string
}

/** `task` of a volume in `extending`. */
export interface ExtensionTask {
  newSizeGiB: number
  /** Name of the volume type whose quota was taken. */
  typeName: string | null
  /** The scheduler has accepted the extension. */
  placed: boolean
}

/** `task` of a volume whose migration is `starting`, that is waits for the scheduler. */
export interface MigrationRequest {
  migrateTo: string
}

/** `task` of a migration target: the hidden row of the volume's copy on the destination, while bytes are copied. */
export interface MigrationTask {
  sourceId: string
  /** `updated_at` of the source when copying began. A different value later means that its bytes may have changed. */
  seen: number | null
  /** Offset of the checkpoint: all bytes before it are on stable storage of the destination. */
  copied: number
}

/** `task` of an existing volume in `downloading`. */
export interface ReimageTask {
  image: ImageSource
  imageMetadata: Record<string, string>
}

/** `task` of a volume to which a backup is being restored. */
export interface RestoreTask {
  restore: {
    backupId: string
    /** The volume read as zeros before: runs of zeros need not be written. */
    fresh: boolean
  }
}
