import { answer, type SwiftResponse } from '../../model/response.ts'
import { listingDate } from '../../model/timestamps.ts'
import { placeContainer } from '../../placement/cluster.ts'
import { firstAnswer } from '../../placement/read.ts'
import type { Entry, Listed, ListingQuery } from '../../storage/records/operations.ts'
import { later } from '../../storage/time.ts'
import type { ProxyDeps } from '../deps.ts'
import { formatListing, type Line } from '../listings/format.ts'
import { listingQuery, negotiate } from '../listings/query.ts'
import type { SwiftRequest } from '../request.ts'
import { containerHeaders } from './headers.ts'
import { findContainer, metadataOf } from './info.ts'

/** GET and HEAD of a container. */
export async function getContainer(request: SwiftRequest, deps: ProxyDeps): Promise<SwiftResponse> {
  const name = request.container!
  const container = await findContainer(deps, request.account, name)
  const denied = await request.authorize(request, { acl: metadataOf(container, 'x-container-read') })
  if (denied) return denied
  const { format, contentType, vary } = negotiate(request.query, request.headers.accept)
  const query = listingQuery(request.query, deps.limits.container_listing_limit)
  if (!container) return answer(404)
  const headers = {
    ...containerHeaders(deps, container, request.owner),
    'content-type': contentType,
    ...(vary ? { vary: 'Accept' } : {}),
  }
  if (request.method === 'HEAD') return { status: 204, headers }
  const lines = await listObjects(deps, request.account, name, query)
  if (format === 'plain' && lines.length === 0) return { status: 204, headers }
  return {
    status: 200,
    headers,
    body: formatListing(lines, format, { root: 'container', rootName: name, row: 'object' }),
  }
}

/** One page of a container's listing. */
export async function listObjects(
  deps: Pick<ProxyDeps, 'cluster'>,
  account: string,
  container: string,
  query: ListingQuery,
): Promise<Line[]> {
  const place = placeContainer(deps.cluster, account, container)
  const found = await firstAnswer(place, async (node) => {
    const lines = await node.read('listContainer', { hash: place.hash, query })
    // A replica that lost the container lists nothing; one that has it is preferred.
    return lines.length > 0 || (await node.read('getContainer', { hash: place.hash })) ? lines : null
  })
  return (found ?? []).map((entry) => lineOf(entry, account))
}

function lineOf(entry: Listed<Entry>, account: string): Line {
  if ('subdir' in entry) return entry
  const { etag, parameters } = splitEtag(entry.etag, account)
  const type = splitSize(entry.contentType)
  return {
    name: entry.name,
    hash: etag,
    bytes: type.bytes ?? entry.size,
    content_type: type.contentType,
    last_modified: listingDate(later(entry.metaTimestamp, entry.timestamp)),
    ...parameters,
  }
}

/**
 * Returns the parts of a listing's etag, to which features add fields: `<md5>; slo_etag=<md5>;
 * symlink_target=<container>/<object>`.
 */
function splitEtag(text: string, account: string): { etag: string; parameters: Record<string, string | number> } {
  const [etag = '', ...rest] = text.split(';').map((part) => part.trim())
  const found = Object.fromEntries(rest.map((part) => part.split(/=(.*)/s).slice(0, 2) as [string, string]))
  const parameters: Record<string, string | number> = {}
  if (found.slo_etag) parameters.slo_etag = `"${found.slo_etag}"`
  if (found.symlink_target)
    parameters.symlink_path = `/v1/${found.symlink_target_account ?? account}/${found.symlink_target}`
  if (found.symlink_target_etag) parameters.symlink_etag = found.symlink_target_etag
  if (found.symlink_target_bytes) parameters.symlink_bytes = Number(found.symlink_target_bytes)
  return { etag, parameters }
}

/** A large object's content type carries its size: `text/plain;swift_bytes=12`. */
function splitSize(contentType: string): { contentType: string; bytes: number | null } {
  const match = /;\s*swift_bytes=(\d+)/.exec(contentType)
  if (!match) return { contentType, bytes: null }
  return { contentType: contentType.replace(match[0], ''), bytes: Number(match[1]) }
}
