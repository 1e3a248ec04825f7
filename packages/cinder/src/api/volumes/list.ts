import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { type VolumeRow, volumeRows } from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { applyFilters, asksForAll, type FilterTable, readFilters } from '../filters.ts'
import { itemLinks } from '../links.ts'
import { type Page, type Paging, pageEnds, pageRows, type Rows, readBoolean, readPaging } from '../listing.ts'
import { resourceFilters } from '../resource-filters/known.ts'
import { detailView, loadRelations } from './view.ts'

const sortKeys: Record<string, string> = Object.fromEntries(
  ['id', 'size', 'status', 'created_at', 'updated_at', 'bootable', 'availability_zone', 'host', 'user_id', 'project_id']
    .map((key) => [key, key])
    .concat([
      ['name', 'name'],
      ['display_name', 'name'],
      ['volume_type_id', 'volume_type_id'],
      ['attach_status', 'attach_status'],
      ['launched_at', 'launched_at'],
    ]),
)

const filterTable: FilterTable = {
  table: 'volumes',
  configured: [...resourceFilters.volume!, 'glance_metadata', 'display_name'],
  columns: {
    id: { kind: 'text' },
    name: { kind: 'text' },
    display_name: { kind: 'text', column: 'name' },
    description: { kind: 'text' },
    status: { kind: 'text' },
    attach_status: { kind: 'text' },
    migration_status: { kind: 'text' },
    availability_zone: { kind: 'text' },
    host: { kind: 'text' },
    project_id: { kind: 'text' },
    tenant_id: { kind: 'text', column: 'project_id' },
    user_id: { kind: 'text' },
    volume_type_id: { kind: 'text' },
    snapshot_id: { kind: 'text' },
    source_volid: { kind: 'text' },
    group_id: { kind: 'text' },
    size: { kind: 'number' },
    multiattach: { kind: 'boolean' },
    bootable: { kind: 'boolean' },
    consumes_quota: { kind: 'boolean', column: 'use_quota' },
    created_at: { kind: 'time' },
    updated_at: { kind: 'time' },
    metadata: { kind: 'metadata' },
    glance_metadata: { kind: 'metadata' },
  },
}

function metadataFilter(q: Query): FilterTable['metadata'] {
  return (rows, name, entries) => {
    for (const [key, value] of Object.entries(entries)) {
      const kinds = name === 'glance_metadata' ? ['image'] : ['user', 'admin']
      rows.whereIn('volumes.id', q('volume_metadata').whereIn('kind', kinds).where({ key, value }).select('volume_id'))
    }
  }
}

/** Query keys that older microversions ignore, with the behaviour switch that enables them. */
const switchOfKey: Record<string, string> = {
  glance_metadata: 'filter-by-image-metadata',
  group_id: 'filter-by-group',
  consumes_quota: 'filter-by-consumes-quota',
}

function volumeFilters(context: Context, request: ApiRequest): Record<string, string> {
  const filters = readFilters(context, request, filterTable)
  for (const [key, behaviour] of Object.entries(switchOfKey)) if (!context.allows(behaviour)) delete filters[key]
  if (filters.bootable !== undefined && readBoolean(filters.bootable) === undefined) {
    if (context.allows('strict-bootable-filter')) {
      throw errors.InvalidInput({ reason: `bootable=${filters.bootable} is not a boolean` })
    }
    // Before that microversion any other text counted as true.
    filters.bootable = 'true'
  }
  return filters
}

/** Returns the query of the volumes that the caller may see, with all filters set. */
function filteredVolumes(context: Context, request: ApiRequest, q: Query, filters: Record<string, string>): Rows {
  const rows = visibleVolumes(context, request, q)
  applyFilters(context, rows, { ...filterTable, metadata: metadataFilter(q) }, filters)
  return rows
}

/** Returns the query of the volumes that the caller may see: those of all projects only if requested. */
function visibleVolumes(context: Context, request: ApiRequest, q: Query): Rows {
  const rows = q('volumes')
  if (!asksForAll(context, request)) rows.where('volumes.project_id', context.identity?.projectId ?? '')
  if (!context.may('context_is_admin')) {
    // Only administrators see the targets of unfinished migrations.
    rows.where((either) =>
      either.whereNull('volumes.migration_status').orWhereNot('volumes.migration_status', 'like', 'target:%'),
    )
  }
  return rows
}

async function pageOfVolumes(
  context: Context,
  request: ApiRequest,
  deps: ApiDeps,
): Promise<{ page: Page<VolumeRow>; paging: Paging }> {
  const q = deps.database.query
  const paging = readPaging(context, request, sortKeys)
  const rows = filteredVolumes(context, request, q, volumeFilters(context, request))
  const page = await pageRows<VolumeRow>(q, 'volumes', rows, paging, visibleVolumes(context, request, q))
  return { page: { ...page, rows: volumeRows(page.rows) }, paging }
}

/** GET /volumes: ids, names and links. */
export async function listVolumes(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const { page, paging } = await pageOfVolumes(context, request, deps)
  const volumes = page.rows.map(({ id, name }) => ({ id, name, links: itemLinks(request, 'volumes', id) }))
  return { volumes, ...pageEnds(request, page, paging, 'volumes_links') }
}

/** GET /volumes/detail. */
export async function listVolumeDetails(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const { page, paging } = await pageOfVolumes(context, request, deps)
  const relations = await loadRelations(deps.database.query, page.rows)
  const volumes = page.rows.map((row) => detailView(context, request, row, relations.get(row.id)!))
  return { volumes, ...pageEnds(request, page, paging, 'volumes_links') }
}

/** GET /volumes/summary: count, total size in GiB and, since 3.36, all metadata values of the caller's volumes. */
export async function summarizeVolumes(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const q = deps.database.query
  const filters = volumeFilters(context, request)
  const rows = filteredVolumes(context, request, q, filters)
  const totals = await rows.clone().count({ count: '*' }).sum({ size: 'size' }).first()
  const { count, size } = totals as { count: number; size: number | null }
  const summary: Record<string, unknown> = { total_count: Number(count), total_size: Number(size ?? 0) }
  if (context.allows('metadata-in-summary')) {
    const metadata = new Map<string, string[]>()
    const pairs = await q('volume_metadata')
      .where({ kind: 'user' })
      .whereIn('volume_id', rows.select('volumes.id'))
      .distinct('key', 'value')
    for (const { key, value } of pairs) {
      const values = metadata.get(key) ?? []
      values.push(value)
      metadata.set(key, values)
    }
    summary.metadata = Object.fromEntries(metadata)
  }
  return { 'volume-summary': summary }
}
