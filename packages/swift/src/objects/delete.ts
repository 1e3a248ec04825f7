import { findContainer, metadataOf } from '../containers/info.ts'
import type { ProxyDeps } from '../deps.ts'
import { type Cluster, placeObject, quorumOf } from '../placement/cluster.ts'
import { failureStatus, valuesOf } from '../placement/quorum.ts'
import type { ObjectName } from '../placement/replicated.ts'
import { writeListed } from '../placement/write-listed.ts'
import type { SwiftRequest } from '../request.ts'
import { answer, refuse, type SwiftResponse } from '../response.ts'
import { isExpired } from './expiry.ts'
import { findLive } from './get.ts'

/** DELETE of an object. */
export async function deleteObject(request: SwiftRequest, deps: ProxyDeps): Promise<SwiftResponse> {
  const [container, object] = [request.container!, request.object!]
  const listed = await findContainer(deps, request.account, container)
  const denied = await request.authorize(request, { acl: metadataOf(listed, 'x-container-write') })
  if (denied) return denied
  if (!listed) return answer(404)
  const existed = await findLive(request, deps)
  const name = { account: request.account, container, object }
  let status = await removeObject(deps.cluster, name, deps.timestamps.next())
  // What is newer than our clock was written by a host whose clock is ahead; its answer has moved ours on.
  if (status === 409) status = await removeObject(deps.cluster, name, deps.timestamps.next())
  return answer(status === 204 && existed && !isExpired(existed.object) ? 204 : 404)
}

/**
 * Writes tombstones. With `ifDeleteAt` only an object that expires at that very second is removed: 412 when it is another. Throws
 * 503 or 507 without a quorum.
 */
export async function removeObject(
  cluster: Cluster,
  name: ObjectName,
  timestamp: string,
  ifDeleteAt: number | null = null,
): Promise<204 | 404 | 409 | 412> {
  const place = placeObject(cluster, name.account, name.container, name.object)
  const path = `/${name.account}/${name.container}/${name.object}`
  const write = { name, place, nodes: place.primaries, handoffs: true }
  const { outcomes } = await writeListed(cluster, write, (node, listing) =>
    node.write('deleteObject', { hash: place.hash, name: path, timestamp, ifDeleteAt, listing }),
  )
  const replies = valuesOf(outcomes)
  if (replies.length < quorumOf(place.primaries.length)) throw refuse(failureStatus(outcomes))
  const some = (status: string) => replies.some((reply) => reply.status === status)
  return some('done') ? 204 : some('conflict') ? 412 : some('stale') ? 409 : 404
}
