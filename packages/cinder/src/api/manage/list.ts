import type { Context } from '@hearth/core'
import { type ApiRequest, queryValue } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { ownerOf } from '../../model/manage/names.ts'
import { type BackendObject, listObjects, messageContext } from '../../model/topics.ts'
import { backendOf } from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { readPaging } from '../listing.ts'
import { poolHost } from './adopt-volume.ts'

/** GET /manageable_volumes and /manageable_snapshots, plain or detailed: lists the objects on a backend. */
export async function listManageable(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const path = request.url.split('?', 1)[0]!
  const kind = path.includes('snapshot') ? 'snapshot' : 'volume'
  const detail = path.endsWith('/detail')
  const host = queryValue(request.query, 'host')
  if (host === undefined)
    throw errors.InvalidParameter({ reason: 'Either cluster or host query parameter is required.' })
  const paging = readPaging(context, { ...request, query: withoutSort(request) }, { created_at: 'created_at' })
  const wanted = { kind, name: null, volumeName: null } as const
  // Checked first, because a call to a host without a service would wait until it times out.
  const backend = backendOf(await poolHost(deps, host))
  const found = await deps.bus.call(listObjects, backend, wanted, messageContext(context))
  const page = sorted(found, request).slice(paging.offset, paging.offset + paging.limit)
  const views = await Promise.all(page.map((one) => view(one, { detail, backend }, deps)))
  return { [`manageable-${kind}s`]: views }
}

function withoutSort({ query }: ApiRequest): ApiRequest['query'] {
  const { sort: _sort, sort_key: _key, sort_dir: _direction, ...rest } = query
  return rest
}

/** Sorts by reference or size, in the requested direction. Throws InvalidParameter (400) for other sort keys. */
function sorted(found: BackendObject[], request: ApiRequest): BackendObject[] {
  const [key = 'reference', direction = 'desc'] = (queryValue(request.query, 'sort') ?? 'reference').split(':')
  if (key !== 'reference' && key !== 'size') {
    throw errors.InvalidParameter({ reason: `Invalid sort keys passed: ${key}` })
  }
  const less = (a: BackendObject, b: BackendObject): number =>
    key === 'size' ? (a.sizeGiB ?? 0) - (b.sizeGiB ?? 0) : a.name < b.name ? -1 : 1
  return [...found].sort((a, b) => (direction === 'asc' ? less(a, b) : less(b, a)))
}

async function view(
  found: BackendObject,
  { detail, backend }: { detail: boolean; backend: string },
  deps: ApiDeps,
): Promise<object> {
  const { kind, name, unsafe, volumeName } = found
  const owner = await ownerOf(deps.database.query, { kind, name, backend })
  const reason = owner === null ? unsafe : 'already managed'
  const source =
    kind === 'snapshot' ? { source_reference: volumeName === null ? null : { 'source-name': volumeName } } : {}
  const plain = { reference: { 'source-name': name }, size: found.sizeGiB, safe_to_manage: reason === null, ...source }
  return detail ? { ...plain, reason_not_safe: reason, cinder_id: owner, extra_info: null } : plain
}
