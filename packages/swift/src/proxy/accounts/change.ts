import { answer, refuse, type SwiftResponse } from '../../model/response.ts'
import { placeAccount, quorumOf } from '../../placement/cluster.ts'
import { failureStatus, settle, valuesOf } from '../../placement/quorum.ts'
import type { TimedMetadata, WriteReply } from '../../storage/records/operations.ts'
import { findAccount, isDeleted } from '../containers/info.ts'
import type { ProxyDeps } from '../deps.ts'
import { checkMetadata, checkTotal, metadataChanges } from '../metadata.ts'
import type { SwiftRequest } from '../request.ts'
import { domainChange } from './project-domain.ts'

/** Headers of an account beside its metadata that requests may set. */
const accountKept = ['x-account-access-control', 'x-account-quota-bytes', 'x-account-quota-count'] as const

type Change = 'putAccount' | 'postAccount' | 'deleteAccount'

/** POST, and, for reseller administrators where that is allowed, PUT and DELETE of an account. */
export async function changeAccount(request: SwiftRequest, deps: ProxyDeps): Promise<SwiftResponse> {
  const denied = await request.authorize(request, { acl: null })
  if (denied) return denied
  if (request.method !== 'POST' && !deps.allowAccountManagement)
    return answer(405, { headers: { allow: 'HEAD, GET, POST, OPTIONS' } })
  if (request.method === 'DELETE') return removeAccount(request, deps)
  if (Buffer.byteLength(request.account) > deps.limits.max_account_name_length)
    throw refuse(400, `Account name length of ${Buffer.byteLength(request.account)} longer than 256`)
  checkMetadata(request.headers, 'account', deps.limits)
  const account = await findAccount(deps, request.account)
  if (account && isDeleted(account)) {
    if (request.method === 'PUT') return answer(403, { text: 'Recently deleted', headers: deletedMark })
    return answer(410, { headers: deletedMark })
  }
  const changes = {
    ...metadataChanges(request.headers, 'account', accountKept, deps.timestamps.next()),
    ...domainChange(request, account, deps),
  }
  checkTotal(account?.metadata ?? {}, changes, 'account', deps.limits)
  if (request.method === 'POST') {
    await writeAccount(deps, request.account, account ? 'postAccount' : 'putAccount', changes)
    return answer(204)
  }
  await writeAccount(deps, request.account, 'putAccount', changes)
  return answer(account ? 202 : 201)
}

const deletedMark = { 'x-account-status': 'Deleted' }

async function removeAccount(request: SwiftRequest, deps: ProxyDeps): Promise<SwiftResponse> {
  // A query string on DELETE is a mistyped bulk-delete far more often than a wish to lose everything.
  if (Object.keys(request.query).length > 0) throw refuse(400)
  const account = await findAccount(deps, request.account)
  if (!account || isDeleted(account)) return answer(404)
  await writeAccount(deps, request.account, 'deleteAccount', {})
  return answer(204)
}

/** Makes the request's account when it does not exist yet. Throws a 410 for a deleted one. */
export async function ensureAccount(request: SwiftRequest, deps: ProxyDeps): Promise<void> {
  const account = await findAccount(deps, request.account)
  if (account && isDeleted(account)) throw refuse(410)
  if (!account) await writeAccount(deps, request.account, 'putAccount', domainChange(request, null, deps))
}

async function writeAccount(deps: ProxyDeps, account: string, change: Change, metadata: TimedMetadata) {
  const place = placeAccount(deps.cluster, account)
  const timestamp = deps.timestamps.next()
  const outcomes = await settle(
    place.primaries.map((node) => node.write(change, { account, accountHash: place.hash, timestamp, metadata })),
  )
  const good = valuesOf(outcomes).filter(({ status }: WriteReply) => status === 'done' || status === 'stale')
  if (good.length < quorumOf(place.primaries.length)) throw refuse(failureStatus(outcomes))
}
