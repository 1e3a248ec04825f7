/** An image as operations see it. Sizes in bytes, times in milliseconds since the epoch. */
export interface Image {
  id: string
  name: string | null
  status: string
  visibility: string
  protected: boolean
  hidden: boolean
  checksum: string | null
  hashAlgorithm: string | null
  hashValue: string | null
  owner: string | null
  size: number | null
  virtualSize: number | null
  containerFormat: string | null
  diskFormat: string | null
  /** MiB. */
  minRam: number
  /** GiB. */
  minDisk: number
  createdAt: number
  updatedAt: number
  revision: number
  tags: string[]
  /** Custom properties: users choose the names, so this is no plain object. */
  properties: Map<string, string>
  locations: Location[]
}

/** A copy of the bytes. `store` is the id of one of our stores, which understands `url`; null when unknown. */
export interface Location {
  id: string
  store: string | null
  url: string
  metadata: Record<string, unknown>
}

/** Attributes that policies compare. */
export function policyTarget(image: Image, memberId?: string | null): Record<string, unknown> {
  return {
    project_id: image.owner,
    owner: image.owner,
    visibility: image.visibility,
    member_id: memberId ?? undefined,
    status: image.status,
    container_format: image.containerFormat,
    disk_format: image.diskFormat,
  }
}
