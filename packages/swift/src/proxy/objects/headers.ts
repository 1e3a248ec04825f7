import { setOwn } from '@hearth/core'
import { httpDate } from '../../model/timestamps.ts'
import type { StoredObject } from '../../storage/records/operations.ts'

/** Headers that an object keeps beside its user metadata. */
const stored = [
  'content-disposition',
  'content-encoding',
  'cache-control',
  'content-language',
  'expires',
  'x-robots-tag',
  'x-object-manifest',
]

/** Returns the request headers that an object keeps until the next POST. */
export function storedHeaders(headers: Record<string, string>): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('x-object-meta-')) setOwn(kept, name, value)
    else if (stored.includes(name) && value !== '') setOwn(kept, name, value)
  }
  return kept
}

/** Returns the headers of a GET or HEAD of the object. */
export function objectHeaders(object: StoredObject): Record<string, string> {
  const headers: Record<string, string> = {
    ...object.metadata,
    'content-type': object.contentType,
    etag: object.etag,
    'last-modified': httpDate(object.metaTimestamp),
    'x-timestamp': object.metaTimestamp,
    'accept-ranges': 'bytes',
  }
  for (const [name, value] of Object.entries(object.sysmeta))
    if (!name.startsWith('x-object-sysmeta-')) setOwn(headers, name, value)
  if (object.deleteAt !== null) headers['x-delete-at'] = String(object.deleteAt)
  return headers
}
