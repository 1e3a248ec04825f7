import { answer, type SwiftResponse } from '../../model/response.ts'
import { listingDate } from '../../model/timestamps.ts'
import { placeAccount } from '../../placement/cluster.ts'
import { firstAnswer } from '../../placement/read.ts'
import type { AccountEntry, Listed } from '../../storage/records/operations.ts'
import { findAccount, isDeleted } from '../containers/info.ts'
import type { ProxyDeps } from '../deps.ts'
import { formatListing, type Line } from '../listings/format.ts'
import { listingQuery, negotiate } from '../listings/query.ts'
import type { SwiftRequest } from '../request.ts'
import { accountHeaders } from './headers.ts'

/** GET and HEAD of an account. An unused account looks empty, because its first container creates it. */
export async function getAccount(request: SwiftRequest, deps: ProxyDeps): Promise<SwiftResponse> {
  const denied = await request.authorize(request, { acl: null })
  if (denied) return denied
  const { format, contentType, vary } = negotiate(request.query, request.headers.accept)
  const query = listingQuery(request.query, deps.limits.account_listing_limit)
  const account = await findAccount(deps, request.account)
  if (account && isDeleted(account)) return answer(410, { headers: { 'x-account-status': 'Deleted' } })
  const headers = {
    ...accountHeaders(deps, account, request.owner),
    'content-type': contentType,
    ...(vary ? { vary: 'Accept' } : {}),
  }
  if (request.method === 'HEAD') return { status: 204, headers }
  const place = placeAccount(deps.cluster, request.account)
  const found = account
    ? ((await firstAnswer(place, (node) => node.read('listAccount', { hash: place.hash, query }))) ?? [])
    : []
  const lines = found.map((entry) => lineOf(entry, deps))
  if (format === 'plain' && lines.length === 0) return { status: 204, headers }
  const names = { root: 'account', rootName: request.account, row: 'container' }
  return { status: 200, headers, body: formatListing(lines, format, names) }
}

function lineOf(entry: Listed<AccountEntry>, deps: ProxyDeps): Line {
  if ('subdir' in entry) return entry
  return {
    name: entry.name,
    count: entry.objectCount,
    bytes: entry.bytesUsed,
    last_modified: listingDate(entry.putTimestamp),
    storage_policy: deps.policyName,
  }
}
