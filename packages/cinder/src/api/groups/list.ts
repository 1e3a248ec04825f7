import type { Context } from '@hearth/core'
import type { Database, Query } from '@hearth/database'
import { type ApiRequest, queryValue } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { type GroupRow, getGroup, settleGroups } from '../../model/groups/store.ts'
import { applyFilters, asksForAll, type FilterTable, readFilters } from '../filters.ts'
import { isTrue, pageEnds, pageRows, readPaging } from '../listing.ts'
import { viewGroups } from './view.ts'

type Deps = { database: Database }

const sortKeys = { id: 'id', name: 'name', created_at: 'created_at', status: 'status' }
const filterTable: FilterTable = {
  table: 'volume_groups',
  configured: ['name'],
  columns: {
    id: { kind: 'text' },
    name: { kind: 'text' },
    status: { kind: 'text' },
    project_id: { kind: 'text' },
    availability_zone: { kind: 'text' },
    group_type_id: { kind: 'text' },
    host: { kind: 'text' },
  },
}

/** GET /groups and its detail: the rows' reply schemas differ. */
export async function listGroups(context: Context, request: ApiRequest, deps: Deps) {
  const q = deps.database.query
  await settleGroups(q)
  const paging = readPaging(context, request, sortKeys)
  const rows = q('volume_groups')
  if (!asksForAll(context, request)) rows.where('volume_groups.project_id', context.identity?.projectId ?? '')
  const visible = rows.clone()
  applyFilters(context, rows, filterTable, filtersOf(context, request))
  const page = await pageRows<GroupRow>(q, 'volume_groups', rows, paging, visible)
  return {
    groups: await viewGroups(context, q, page.rows, wantsVolumes(context, request)),
    ...pageEnds(request, page, paging, 'group_links'),
  }
}

/** `list_volume` is no filter. */
function filtersOf(context: Context, request: ApiRequest): Record<string, string> {
  const { list_volume: _option, ...query } = request.query
  return readFilters(context, { ...request, query }, filterTable)
}

/** GET /groups/{id}. */
export async function showGroup(context: Context, request: ApiRequest, deps: Deps) {
  const q = deps.database.query
  await settleGroups(q)
  const row = await groupFor(context, q, request.params.id!, 'group:get')
  const [group] = await viewGroups(context, q, [row], wantsVolumes(context, request))
  return { group }
}

function wantsVolumes(context: Context, request: ApiRequest): boolean {
  return context.allows('list-volumes-of-groups') && isTrue(queryValue(request.query, 'list_volume'))
}

/** The group, if the caller may do to it what `rule` guards. Throws 404 or 403. */
export async function groupFor(context: Context, q: Query, id: string, rule: string): Promise<GroupRow> {
  const row = await getGroup(q, id)
  const own = row.project_id === context.identity?.projectId
  if (!own && !context.may('context_is_admin')) throw errors.GroupNotFound({ group_id: id })
  context.enforce(rule, { project_id: row.project_id, user_id: row.user_id })
  return row
}
