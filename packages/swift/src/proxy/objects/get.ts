import { answer, type SwiftResponse } from '../../model/response.ts'
import { contentOf } from '../../placement/body.ts'
import { placeObject } from '../../placement/cluster.ts'
import { type Found, findStored } from '../../placement/read.ts'
import { findContainer, metadataOf } from '../containers/info.ts'
import type { ProxyDeps } from '../deps.ts'
import { isTrue, type SwiftRequest } from '../request.ts'
import { isExpired } from './expiry.ts'
import { objectHeaders } from './headers.ts'

/** GET and HEAD of an object. The response carries the whole content; ranges and conditions are applied later. */
export async function getObject(request: SwiftRequest, deps: ProxyDeps): Promise<SwiftResponse> {
  const container = await findContainer(deps, request.account, request.container!)
  const denied = await request.authorize(request, { acl: metadataOf(container, 'x-container-read') })
  if (denied) return denied
  const place = placeObject(deps.cluster, request.account, request.container!, request.object!)
  const found = await findLive(request, deps)
  if (!found) return answer(404)
  return {
    status: 200,
    headers: { ...objectHeaders(found.object), ...featureHeaders(found) },
    content: contentOf(found, place, request.log),
  }
}

/** Headers that features keep with the data go up to them, and are removed before the wire. */
const featureHeaders = ({ object }: Found) =>
  Object.fromEntries(Object.entries(object.sysmeta).filter(([name]) => name.startsWith('x-object-sysmeta-')))

/** The object as it is now, or null when it is deleted, expired or was never there. */
export async function findLive(request: SwiftRequest, deps: ProxyDeps): Promise<Found | null> {
  const place = placeObject(deps.cluster, request.account, request.container!, request.object!)
  const found = await findStored(place, isTrue(request.headers['x-newest']))
  return found && !found.object.deleted && !isExpired(found.object) ? found : null
}
