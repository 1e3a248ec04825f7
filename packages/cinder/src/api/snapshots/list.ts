import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { readSnapshotMetadata, type SnapshotRow, snapshotRows } from '../../model/snapshots/store.ts'
import type { ApiDeps } from '../deps.ts'
import { applyFilters, asksForAll, type FilterTable, readFilters } from '../filters.ts'
import { pageEnds, pageRows, readPaging } from '../listing.ts'
import { resourceFilters } from '../resource-filters/known.ts'
import { getSnapshotFor } from './authorize.ts'
import { detailView, plainView } from './view.ts'

const columns = ['id', 'status', 'volume_id', 'size', 'created_at', 'updated_at', 'project_id', 'user_id', 'progress']
const sortKeys: Record<string, string> = {
  ...Object.fromEntries(columns.map((column) => [column, column])),
  volume_size: 'size',
  display_name: 'name',
}

const filterTable: FilterTable = {
  table: 'snapshots',
  configured: resourceFilters.snapshot!,
  columns: {
    id: { kind: 'text' },
    name: { kind: 'text' },
    display_name: { kind: 'text', column: 'name' },
    description: { kind: 'text' },
    status: { kind: 'text' },
    volume_id: { kind: 'text' },
    project_id: { kind: 'text' },
    tenant_id: { kind: 'text', column: 'project_id' },
    user_id: { kind: 'text' },
    group_snapshot_id: { kind: 'text' },
    size: { kind: 'number' },
    volume_size: { kind: 'number', column: 'size' },
    consumes_quota: { kind: 'boolean', column: 'use_quota' },
    created_at: { kind: 'time' },
    updated_at: { kind: 'time' },
    metadata: { kind: 'metadata' },
  },
}

function metadataFilter(q: Query): FilterTable['metadata'] {
  return (rows, _name, entries) => {
    for (const [key, value] of Object.entries(entries)) {
      rows.whereIn('snapshots.id', q('snapshot_metadata').where({ key, value }).select('snapshot_id'))
    }
  }
}

/** GET /snapshots and /snapshots/detail. */
export async function listSnapshots(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const detail = request.url.split('?', 1)[0]!.endsWith('/detail')
  const q = deps.database.query
  const byName: Record<string, string> = context.allows('sort-snapshots-by-name') ? { name: 'name' } : {}
  const paging = readPaging(context, request, { ...sortKeys, ...byName })
  const filters = readFilters(context, request, filterTable)
  if (!context.allows('filter-snapshots-by-metadata')) delete filters.metadata
  if (!context.allows('filter-by-consumes-quota')) delete filters.consumes_quota
  const rows = q('snapshots')
  if (!asksForAll(context, request)) rows.where('snapshots.project_id', context.identity?.projectId ?? '')
  const visible = rows.clone()
  if (filters.availability_zone !== undefined) {
    const zone = filters.availability_zone
    delete filters.availability_zone
    rows.whereIn('snapshots.volume_id', q('volumes').where({ availability_zone: zone }).select('id'))
  }
  applyFilters(context, rows, { ...filterTable, metadata: metadataFilter(q) }, filters)
  const page = await pageRows<SnapshotRow>(q, 'snapshots', rows, paging, visible)
  const metadata = await readSnapshotMetadata(
    q,
    page.rows.map(({ id }) => id),
  )
  const snapshots = snapshotRows(page.rows).map((row) => {
    const own = metadata.get(row.id)!
    return detail ? detailView(context, row, own) : plainView(row, own)
  })
  return { snapshots, ...pageEnds(request, page, paging, 'snapshots_links') }
}

/** GET /snapshots/{id}. */
export async function showSnapshot(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const q = deps.database.query
  const row = await getSnapshotFor(context, q, request.params.id!, 'volume:get_snapshot')
  const metadata = await readSnapshotMetadata(q, [row.id])
  return { snapshot: detailView(context, row, metadata.get(row.id)!) }
}
