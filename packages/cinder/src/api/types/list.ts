import { type Context, commonErrors } from '@hearth/core'
import type { Database } from '@hearth/database'
import { type ApiRequest, queryValue } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { joinSpecs, type TypeRow, visibleTypes } from '../../model/types/store.ts'
import { pageEnds, pageRows, readPaging } from '../listing.ts'
import { readPythonDict } from '../python-literal.ts'
import { viewType } from './view.ts'

const sortKeys = { id: 'id', name: 'name', created_at: 'created_at' }

/** GET /types. Throws 400 on a bad `is_public` or paging key, 404 on an unknown marker. */
export async function listTypes(context: Context, request: ApiRequest, deps: { database: Database }) {
  const q = deps.database.query
  const paging = readPaging(context, request, sortKeys)
  const isPublic = readIsPublic(queryValue(request.query, 'is_public'))
  const rows = visibleTypes(q, context, isPublic, readWantedSpecs(context, request))
  const page = await pageRows<TypeRow>(q, 'volume_types', rows, paging, visibleTypes(q, context, isPublic, {}))
  const types = await joinSpecs(q, page.rows)
  return {
    volume_types: types.map((type) => viewType(context, type)),
    ...pageEnds(request, page, paging, 'volume_type_links'),
  }
}

function readIsPublic(text: string | undefined): boolean | null {
  if (text === undefined || /^(true|1|on|yes|t|y)$/i.test(text)) return true
  if (/^(false|0|off|no|f|n)$/i.test(text)) return false
  if (/^none$/i.test(text)) return null
  throw commonErrors.BadRequest({ reason: `Invalid is_public filter [${text}]` })
}

/** The `extra_specs={'key': 'value'}` filter, known since 3.52. */
function readWantedSpecs(context: Context, request: ApiRequest): Record<string, string> {
  const text = queryValue(request.query, 'extra_specs')
  if (text === undefined || !context.allows('filter-types-by-extra-specs')) return {}
  const specs = readPythonDict(text)
  if (!specs) throw errors.InvalidInput({ reason: `Invalid value for extra_specs filter: ${text}` })
  return specs
}
