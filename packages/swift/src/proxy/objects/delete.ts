import { answer, type SwiftResponse } from '../../model/response.ts'
import { removeObject } from '../../placement/remove-object.ts'
import { findContainer, metadataOf } from '../containers/info.ts'
import type { ProxyDeps } from '../deps.ts'
import type { SwiftRequest } from '../request.ts'
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
  // A version newer than our clock was written by a host whose clock is ahead; its reply has advanced ours.
  if (status === 409) status = await removeObject(deps.cluster, name, deps.timestamps.next())
  return answer(status === 204 && existed && !isExpired(existed.object) ? 204 : 404)
}
