import { httpDate } from '../../model/timestamps.ts'
import type { Container } from '../../storage/records/operations.ts'
import { ownerHeaders } from '../accounts/headers.ts'
import type { ProxyDeps } from '../deps.ts'
import { metadataHeaders } from '../metadata.ts'

/** Headers of a container beside its metadata that requests may set. */
export const containerKept = [
  'x-container-read',
  'x-container-write',
  'x-container-sync-key',
  'x-container-sync-to',
  'x-versions-location',
  'x-history-location',
] as const

/** Returns the headers of a GET or HEAD of the container. */
export function containerHeaders(deps: ProxyDeps, container: Container, owner: boolean): Record<string, string> {
  const headers: Record<string, string> = {
    'x-container-object-count': String(container.objectCount),
    'x-container-bytes-used': String(container.bytesUsed),
    'x-timestamp': container.createdTimestamp,
    'x-put-timestamp': container.putTimestamp,
    'last-modified': httpDate(container.putTimestamp),
    'accept-ranges': 'bytes',
    'x-storage-policy': deps.policyName,
    ...metadataHeaders(container.metadata),
  }
  if (!owner) for (const name of ownerHeaders) delete headers[name]
  return headers
}
