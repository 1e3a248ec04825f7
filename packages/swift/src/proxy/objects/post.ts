import { answer, refuse, type SwiftResponse } from '../../model/response.ts'
import { secondsOf } from '../../model/timestamps.ts'
import { placeObject, quorumOf } from '../../placement/cluster.ts'
import { listingOverride } from '../../placement/listing-override.ts'
import { failureStatus, valuesOf } from '../../placement/quorum.ts'
import { writeListed } from '../../placement/write-listed.ts'
import { findContainer, metadataOf } from '../containers/info.ts'
import type { ProxyDeps } from '../deps.ts'
import { checkMetadata } from '../metadata.ts'
import type { SwiftRequest } from '../request.ts'
import { deleteAtOf } from './expiry.ts'
import { findLive } from './get.ts'
import { storedHeaders } from './headers.ts'

/** POST of an object: the metadata is replaced, the data stays. */
export async function postObject(request: SwiftRequest, deps: ProxyDeps): Promise<SwiftResponse> {
  const { account, headers } = request
  const [container, object] = [request.container!, request.object!]
  const listed = await findContainer(deps, account, container)
  const denied = await request.authorize(request, { acl: metadataOf(listed, 'x-container-write') })
  if (denied) return denied
  checkMetadata(headers, 'object', deps.limits)
  const timestamp = deps.timestamps.next()
  const deleteAt = deleteAtOf(headers, secondsOf(timestamp))
  const found = listed && (await findLive(request, deps))
  if (!found) return answer(404)
  const place = placeObject(deps.cluster, account, container, object)
  const contentType = headers['content-type']?.replace(/;\s*swift_[^;]*/gi, '') || null
  const override = listingOverride({ ...found.object, contentType: contentType ?? found.object.contentType })
  const input = { hash: place.hash, timestamp, metadata: storedHeaders(headers), deleteAt, contentType }
  const write = { name: { account, container, object }, place, nodes: place.primaries, override, handoffs: false }
  const { outcomes } = await writeListed(deps.cluster, write, (node, listing) =>
    node.write('postObject', { ...input, listing }),
  )
  const replies = valuesOf(outcomes)
  const quorum = quorumOf(place.primaries.length)
  const count = (status: string) => replies.filter((reply) => reply.status === status).length
  if (count('done') >= quorum) return answer(202)
  if (count('done') + count('stale') >= quorum) return answer(409)
  throw refuse(failureStatus(outcomes))
}
