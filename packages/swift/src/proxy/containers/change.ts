import { own, setOwn } from '@hearth/core'
import { answer, refuse, type SwiftResponse } from '../../model/response.ts'
import { placeAccount, placeContainer, quorumOf } from '../../placement/cluster.ts'
import { coversAccount } from '../../placement/listings.ts'
import { failureStatus, settle, valuesOf } from '../../placement/quorum.ts'
import type { TimedMetadata, WriteReply } from '../../storage/records/operations.ts'
import { ensureAccount } from '../accounts/change.ts'
import type { ProxyDeps } from '../deps.ts'
import { cleanAcl } from '../features/keystone-auth/acl.ts'
import { checkMetadata, checkTotal, metadataChanges } from '../metadata.ts'
import { isTrue, type SwiftRequest } from '../request.ts'
import { containerKept } from './headers.ts'
import { findContainer } from './info.ts'

/** PUT and POST of a container. */
export async function changeContainer(request: SwiftRequest, deps: ProxyDeps): Promise<SwiftResponse> {
  const denied = await request.authorize(request, { acl: null })
  if (denied) return denied
  const headers = { ...request.headers }
  cleanAcls(headers)
  refuseUnbuilt(headers)
  checkMetadata(headers, 'container', deps.limits)
  checkNames(request, deps)
  const container = await findContainer(deps, request.account, request.container!)
  const changes = {
    ...metadataChanges(headers, 'container', containerKept, deps.timestamps.next()),
    ...sysmeta(request, deps),
  }
  if (!request.owner) for (const name of containerKept) delete changes[name]
  checkTotal(container?.metadata ?? {}, changes, 'container', deps.limits)
  if (request.method === 'POST') {
    if (!container) return answer(404)
    const replies = await writeContainer(request, deps, 'postContainer', changes)
    return answer(replies.done >= replies.quorum ? 204 : 404)
  }
  await ensureAccount(request, deps)
  const replies = await writeContainer(request, deps, 'putContainer', changes)
  return answer(replies.created ? 201 : 202)
}

function sysmeta(request: SwiftRequest, deps: ProxyDeps): TimedMetadata {
  const timestamp = deps.timestamps.next()
  return Object.fromEntries(Object.entries(request.sysmeta).map(([name, value]) => [name, [value, timestamp]]))
}

function cleanAcls(headers: Record<string, string>): void {
  for (const name of ['x-container-read', 'x-container-write']) {
    const value = own(headers, name)
    if (value) setOwn(headers, name, cleanAcl(name, value))
  }
}

/** Throws 400 for features of Swift that are not built, so that no client relies on them. */
function refuseUnbuilt(headers: Record<string, string>): void {
  for (const name of ['x-container-sync-to', 'x-container-sync-key'])
    if (own(headers, name)) throw refuse(400, `${name}: container sync is not supported.`)
  if (isTrue(headers['x-versions-enabled']))
    throw refuse(400, 'x-versions-enabled is not supported; x-versions-location and x-history-location are.')
}

function checkNames(request: SwiftRequest, deps: ProxyDeps): void {
  const length = Buffer.byteLength(request.container!)
  const most = deps.limits.max_container_name_length
  if (length > most) throw refuse(400, `Container name length of ${length} longer than ${most}`)
  const policy = request.headers['x-storage-policy']
  if (request.method === 'PUT' && policy && policy.toLowerCase() !== deps.policyName.toLowerCase())
    throw refuse(400, `Invalid X-Storage-Policy '${policy}'`)
}

/** DELETE of a container; 409 while it holds objects. */
export async function deleteContainer(request: SwiftRequest, deps: ProxyDeps): Promise<SwiftResponse> {
  const denied = await request.authorize(request, { acl: null })
  if (denied) return denied
  const container = await findContainer(deps, request.account, request.container!)
  const replies = await writeContainer(request, deps, 'deleteContainer', {})
  if (replies.conflict > 0) {
    // Replicas that saw an object come in refused; those that did not yet get the container back.
    if (replies.done > 0) await writeContainer(request, deps, 'putContainer', container?.metadata ?? {})
    return answer(409)
  }
  return answer(replies.done > 0 ? 204 : 404)
}

interface Counted {
  done: number
  conflict: number
  quorum: number
  created: boolean
}

async function writeContainer(
  request: SwiftRequest,
  deps: ProxyDeps,
  change: 'putContainer' | 'postContainer' | 'deleteContainer',
  metadata: TimedMetadata,
): Promise<Counted> {
  const { account } = request
  const container = request.container!
  const place = placeContainer(deps.cluster, account, container)
  const input = {
    ...{ account, container, containerHash: place.hash, metadata, timestamp: deps.timestamps.next() },
    accountHash: placeAccount(deps.cluster, account).hash,
    accountCovered: coversAccount(deps.cluster, account, container),
  }
  const outcomes = await settle(place.primaries.map((node) => node.write(change, input)))
  const replies = valuesOf(outcomes)
  const quorum = quorumOf(place.primaries.length)
  if (replies.length < quorum) throw refuse(failureStatus(outcomes))
  const count = (status: WriteReply['status']) => replies.filter((reply) => reply.status === status).length
  return { done: count('done'), conflict: count('conflict'), quorum, created: replies.some(({ created }) => created) }
}
