import type { ListingTarget, StoredObject } from '../storage/records/operations.ts'

/** Header in which a feature keeps what the listing shows as the object's etag. */
export const listingEtagHeader = 'x-object-sysmeta-listing-etag'
/** Header with the size of the data a large object stands for. */
export const logicalSizeHeader = 'x-object-sysmeta-slo-size'

/**
 * Returns the etag and content type that the container's listing shows instead of the object's own; undefined for plain
 * objects.
 */
export function listingOverride(
  object: Pick<StoredObject, 'sysmeta' | 'contentType'>,
): ListingTarget['override'] | undefined {
  const etag = object.sysmeta[listingEtagHeader]
  const size = object.sysmeta[logicalSizeHeader]
  if (etag === undefined && size === undefined) return undefined
  return {
    ...(etag === undefined ? {} : { etag }),
    ...(size === undefined ? {} : { contentType: `${object.contentType};swift_bytes=${size}` }),
  }
}
