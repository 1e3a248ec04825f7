import { setOwn } from '@hearth/core'
import type { Account } from '../../storage/records/operations.ts'
import type { ProxyDeps } from '../deps.ts'
import { metadataHeaders } from '../metadata.ts'

/** Headers only the owner of an account sees. */
export const ownerHeaders = [
  'x-account-meta-temp-url-key',
  'x-account-meta-temp-url-key-2',
  'x-account-access-control',
  'x-container-read',
  'x-container-write',
  'x-container-sync-key',
  'x-container-sync-to',
  'x-container-meta-temp-url-key',
  'x-container-meta-temp-url-key-2',
]

/** Returns the headers of a GET or HEAD of the account; those of an empty account when it does not exist. */
export function accountHeaders(deps: ProxyDeps, account: Account | null, owner: boolean): Record<string, string> {
  const numbers = account ?? { containerCount: 0, objectCount: 0, bytesUsed: 0 }
  const headers: Record<string, string> = {
    'x-account-container-count': String(numbers.containerCount),
    'x-account-object-count': String(numbers.objectCount),
    'x-account-bytes-used': String(numbers.bytesUsed),
    'x-timestamp': account?.createdTimestamp ?? deps.timestamps.now(),
  }
  if (!account) return headers
  const policy = `x-account-storage-policy-${deps.policyName.toLowerCase()}`
  setOwn(headers, `${policy}-container-count`, String(numbers.containerCount))
  setOwn(headers, `${policy}-object-count`, String(numbers.objectCount))
  setOwn(headers, `${policy}-bytes-used`, String(numbers.bytesUsed))
  headers['x-put-timestamp'] = account.putTimestamp
  headers['accept-ranges'] = 'bytes'
  Object.assign(headers, metadataHeaders(account.metadata))
  if (!owner) for (const name of ownerHeaders) delete headers[name]
  return headers
}
