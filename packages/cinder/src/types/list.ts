import { type Context, commonErrors } from '@hearth/core'
import type { Database } from '@hearth/database'
import { type ApiRequest, nextPageUrl, queryValue, readLimit } from '@hearth/http'
import { errors } from '../errors.ts'
import { parsePythonDict } from './python-literal.ts'
import { listVolumeTypes, type VolumeType } from './store.ts'
import { viewType } from './view.ts'

const maximumPage = 1000

/** GET /types. Throws 400 on a bad `is_public` or limit, 404 on an unknown marker. */
export async function listTypes(context: Context, request: ApiRequest, deps: { database: Database }) {
  const all = await listVolumeTypes(deps.database.query, context, readIsPublic(queryValue(request.query, 'is_public')))
  const types = sorted(all.filter(matchesSpecs(context, request)), request)
  const limit = readLimit(request.query, maximumPage)
  const marker = queryValue(request.query, 'marker')
  const after = marker === undefined ? -1 : types.findIndex((type) => type.id === marker)
  if (marker !== undefined && after < 0) throw errors.VolumeTypeNotFound({ volume_type_id: marker })
  const start = after + 1 + Number(queryValue(request.query, 'offset') ?? 0)
  const page = types.slice(start, start + limit)
  const body: Record<string, unknown> = { volume_types: page.map((type) => viewType(context, type)) }
  const last = page.at(-1)
  if (last && limit <= page.length && queryValue(request.query, 'limit') !== undefined) {
    body.volume_type_links = [{ rel: 'next', href: nextPageUrl(request, last.id) }]
  }
  return body
}

function readIsPublic(text: string | undefined): boolean | null {
  if (text === undefined || /^(true|1|on|yes|t|y)$/i.test(text)) return true
  if (/^(false|0|off|no|f|n)$/i.test(text)) return false
  if (/^none$/i.test(text)) return null
  throw commonErrors.BadRequest({ reason: `Invalid is_public filter [${text}]` })
}

/** The `extra_specs={'key': 'value'}` filter, known since 3.52. */
function matchesSpecs(context: Context, request: ApiRequest): (type: VolumeType) => boolean {
  const text = queryValue(request.query, 'extra_specs')
  if (text === undefined || !context.allows('filter-types-by-extra-specs')) return () => true
  const wanted = Object.entries(parsePythonDict(text))
  return (type) => wanted.every(([key, value]) => type.extraSpecs[key] === value)
}

function sorted(types: VolumeType[], request: ApiRequest): VolumeType[] {
  const legacy = queryValue(request.query, 'sort_key')
  const [key, direction] = (queryValue(request.query, 'sort') ?? '').split(',')[0]!.split(':')
  const name = key || legacy
  if (!name || name === 'created_at') return types
  if (name !== 'name' && name !== 'id') throw commonErrors.InvalidInput({ reason: 'Sort key supplied is not valid.' })
  const sign = (direction ?? queryValue(request.query, 'sort_dir') ?? 'desc') === 'asc' ? 1 : -1
  return types.toSorted((a, b) => (a[name] < b[name] ? -sign : sign))
}
