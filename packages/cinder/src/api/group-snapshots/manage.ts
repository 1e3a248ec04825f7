import { type Context, isoMicroseconds } from '@hearth/core'
import { type Database, move, type Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { groupSnapshotStates, resetStates, resettable } from '../../model/group-snapshots/states.ts'
import {
  type GroupSnapshotRow,
  getGroupSnapshot,
  settleGroupSnapshots,
  snapshotsOfGroupSnapshot,
} from '../../model/group-snapshots/store.ts'
import { deleteSnapshotAndReleaseQuota } from '../../model/snapshots/release.ts'
import { snapshotStates } from '../../model/snapshots/states.ts'
import { deleteSnapshot, messageContext } from '../../model/topics.ts'
import { backendOf, findVolume } from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { applyFilters, asksForAll, type FilterTable, readFilters } from '../filters.ts'
import { pageEnds, pageRows, readPaging } from '../listing.ts'

type Deps = { database: Database }

const sortKeys = { id: 'id', name: 'name', created_at: 'created_at', status: 'status', group_id: 'group_id' }
const filterTable: FilterTable = {
  table: 'group_snapshots',
  configured: ['name', 'status', 'group_id'],
  columns: {
    id: { kind: 'text' },
    name: { kind: 'text' },
    status: { kind: 'text' },
    group_id: { kind: 'text' },
    project_id: { kind: 'text' },
  },
}

/** GET /group_snapshots and its detail: the rows' reply schemas differ. Paging and filters count since 3.29. */
export async function listGroupSnapshots(context: Context, request: ApiRequest, deps: Deps) {
  const q = deps.database.query
  await settleGroupSnapshots(q)
  const asked = context.allows('page-group-snapshots') ? request : { ...request, query: {} }
  const paging = readPaging(context, asked, sortKeys)
  const rows = q('group_snapshots')
  if (!asksForAll(context, request)) rows.where('group_snapshots.project_id', context.identity?.projectId ?? '')
  const visible = rows.clone()
  applyFilters(context, rows, filterTable, readFilters(context, asked, filterTable))
  const page = await pageRows<GroupSnapshotRow>(q, 'group_snapshots', rows, paging, visible)
  return {
    group_snapshots: page.rows.map((row) => view(context, row)),
    ...pageEnds(request, page, paging, 'group_snapshot_links'),
  }
}

/** GET /group_snapshots/{id}. */
export async function showGroupSnapshot(context: Context, request: ApiRequest, deps: Deps) {
  await settleGroupSnapshots(deps.database.query)
  const row = await groupSnapshotFor(context, deps.database.query, request.params.id!, 'group:get_group_snapshot')
  return { group_snapshot: view(context, row) }
}

/** DELETE /group_snapshots/{id}, with the snapshots of its volumes. */
export async function deleteGroupSnapshot(context: Context, request: ApiRequest, deps: ApiDeps): Promise<void> {
  await deps.database.transaction(async (tx) => {
    await settleGroupSnapshots(tx)
    const { id } = await groupSnapshotFor(context, tx, request.params.id!, 'group:delete_group_snapshot')
    const from = ['available', 'error', 'error_deleting']
    const states = groupSnapshotStates
    if (!(await move(tx, { table: 'group_snapshots', id, to: 'deleting', states, from }))) {
      throw errors.InvalidGroupSnapshot({ reason: 'GroupSnapshot status must be available or error' })
    }
    for (const snapshot of await snapshotsOfGroupSnapshot(tx, id)) {
      const to = 'deleting'
      await move(tx, { table: 'snapshots', id: snapshot.id, to, states: snapshotStates })
      const volume = await findVolume(tx, snapshot.volume_id)
      if (volume?.host == null) await deleteSnapshotAndReleaseQuota(tx, snapshot)
      else
        await deps.bus.cast(
          tx,
          deleteSnapshot,
          backendOf(volume.host),
          { snapshotId: snapshot.id },
          messageContext(context),
        )
    }
  })
}

/** POST /group_snapshots/{id}/action reset_status, for administrators. */
export async function resetGroupSnapshotStatus(context: Context, request: ApiRequest, deps: ApiDeps): Promise<void> {
  const status = (request.body as { reset_status: { status: string } }).reset_status.status.toLowerCase()
  if (!resettable.includes(status))
    throw errors.InvalidGroupSnapshot({ reason: `Invalid group snapshot status: ${status}` })
  await deps.database.transaction(async (tx) => {
    const rule = 'group:reset_group_snapshot_status'
    const { id } = await groupSnapshotFor(context, tx, request.params.id!, rule)
    await move(tx, { table: 'group_snapshots', id, to: status, states: resetStates })
  })
}

async function groupSnapshotFor(context: Context, q: Query, id: string, rule: string): Promise<GroupSnapshotRow> {
  const row = await getGroupSnapshot(q, id)
  const own = row.project_id === context.identity?.projectId
  if (!own && !context.may('context_is_admin')) throw errors.GroupSnapshotNotFound({ group_snapshot_id: id })
  context.enforce(rule, { project_id: row.project_id, user_id: row.user_id })
  return row
}

function view(context: Context, row: GroupSnapshotRow) {
  const owner = context.may('group:group_snapshot_project_attribute') ? { project_id: row.project_id } : {}
  return {
    id: row.id,
    name: row.name,
    group_id: row.group_id,
    group_type_id: row.group_type_id,
    status: row.status,
    created_at: isoMicroseconds(row.created_at),
    description: row.description,
    ...owner,
  }
}
