import { answer, refuse, type SwiftResponse } from '../../model/response.ts'
import { httpDate, secondsOf } from '../../model/timestamps.ts'
import { upload } from '../../placement/replicated.ts'
import { findContainer, metadataOf } from '../containers/info.ts'
import type { ProxyDeps } from '../deps.ts'
import { checkMetadata } from '../metadata.ts'
import type { SwiftRequest } from '../request.ts'
import { contentTypeOf } from './content-type.ts'
import { deleteAtOf } from './expiry.ts'
import { findLive } from './get.ts'
import { storedHeaders } from './headers.ts'

/** PUT of an object. */
export async function putObject(request: SwiftRequest, deps: ProxyDeps): Promise<SwiftResponse> {
  const { account, headers } = request
  const [container, object] = [request.container!, request.object!]
  const found = await findContainer(deps, account, container)
  const denied = await request.authorize(request, { acl: metadataOf(found, 'x-container-write') })
  if (denied) return denied
  if (!found) return answer(404)
  checkCreation(request, deps)
  const timestamp = deps.timestamps.next()
  const deleteAt = deleteAtOf(headers, secondsOf(timestamp))
  if (headers['if-none-match'] !== undefined) {
    if (headers['if-none-match'].trim() !== '*') return answer(400, { text: 'If-None-Match only supports *' })
    if (await findLive(request, deps)) return answer(412)
  }
  const etag = headers.etag
    ?.trim()
    .replace(/^"(.*)"$/, '$1')
    .toLowerCase()
  const stored = await upload(deps.cluster, {
    ...{ account, container, object, timestamp, deleteAt },
    body: request.body,
    length: request.length,
    maxSize: deps.limits.max_file_size,
    contentType: contentTypeOf(object, headers),
    metadata: storedHeaders(headers),
    sysmeta: request.sysmeta,
    expectedEtag: etag ? etag : null,
  })
  return answer(stored.status, {
    text: '',
    headers: {
      'content-type': 'text/html; charset=UTF-8',
      etag: stored.etag,
      'last-modified': httpDate(stored.timestamp),
    },
  })
}

function checkCreation(request: SwiftRequest, deps: ProxyDeps): void {
  const { limits } = deps
  if (request.length !== null && request.length > limits.max_file_size) throw refuse(413, 'Your request is too large.')
  if (request.length === null && !request.chunked) throw refuse(411, 'Missing Content-Length header.')
  const length = Buffer.byteLength(request.object!)
  if (length > limits.max_object_name_length)
    throw refuse(400, `Object name length of ${length} longer than ${limits.max_object_name_length}`)
  checkMetadata(request.headers, 'object', limits)
}
