import type { Context } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { type BackupRow, getBackup } from '../../model/backups/store.ts'
import { errors } from '../../model/errors.ts'
import { applyFilters, asksForAll, type FilterTable, readFilters } from '../filters.ts'
import { type Page, type Paging, pageEnds, pageRows, readPaging } from '../listing.ts'
import { detailViews, summaryView } from './view.ts'

type Deps = { database: Database }

const sortable = ['id', 'created_at', 'updated_at', 'status', 'size', 'volume_id', 'data_timestamp', 'container']
const sortKeys = Object.fromEntries(sortable.map((key) => [key, key]))

const filterTable: FilterTable = {
  table: 'backups',
  configured: ['name', 'status', 'volume_id'],
  columns: {
    id: { kind: 'text' },
    name: { kind: 'text' },
    status: { kind: 'text' },
    volume_id: { kind: 'text' },
    snapshot_id: { kind: 'text' },
    parent_id: { kind: 'text' },
    project_id: { kind: 'text' },
    user_id: { kind: 'text' },
    availability_zone: { kind: 'text' },
    container: { kind: 'text' },
    host: { kind: 'text' },
    size: { kind: 'number' },
    created_at: { kind: 'time' },
    updated_at: { kind: 'time' },
  },
}

/** GET /backups. */
export async function listBackups(context: Context, request: ApiRequest, deps: Deps) {
  const { page, paging } = await pageOfBackups(context, request, deps)
  const backups = page.rows.map((row) => summaryView(request, row))
  return { backups, ...pageEnds(request, page, paging, 'backups_links') }
}

/** GET /backups/detail. */
export async function listBackupDetails(context: Context, request: ApiRequest, deps: Deps) {
  const { page, paging } = await pageOfBackups(context, request, deps)
  const backups = await detailViews(context, request, deps.database.query, page.rows)
  return { backups, ...pageEnds(request, page, paging, 'backups_links') }
}

/** GET /backups/{id}. */
export async function showBackup(context: Context, request: ApiRequest, deps: Deps) {
  const q = deps.database.query
  const row = checkBackup(context, await getBackup(q, request.params.id!), 'backup:get')
  const [backup] = await detailViews(context, request, q, [row])
  return { backup }
}

/** Throws BackupNotFound (404) when it is another project's, PolicyNotAuthorized (403) when the rule says no. */
export function checkBackup(context: Context, row: BackupRow, rule: string): BackupRow {
  const own = row.project_id === context.identity?.projectId
  if (!own && !context.may('context_is_admin')) throw errors.BackupNotFound({ backup_id: row.id })
  context.enforce(rule, { project_id: row.project_id, user_id: row.user_id })
  return row
}

async function pageOfBackups(
  context: Context,
  request: ApiRequest,
  deps: Deps,
): Promise<{ page: Page<BackupRow>; paging: Paging }> {
  const q = deps.database.query
  const byName: Record<string, string> = context.allows('sort-backups-by-name') ? { name: 'name' } : {}
  const paging = readPaging(context, request, { ...sortKeys, ...byName })
  const rows = q('backups')
  if (!asksForAll(context, request)) rows.where('backups.project_id', context.identity?.projectId ?? '')
  const visible = rows.clone()
  applyFilters(context, rows, filterTable, readFilters(context, request, filterTable))
  return { page: await pageRows<BackupRow>(q, 'backups', rows, paging, visible), paging }
}
