import type { Context } from '@hearth/core'
import { type Database, move, type Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { deleteTransferRow, getTransfer, type TransferRow, transferRows } from '../../model/transfers/store.ts'
import { volumeStates } from '../../model/volumes/states.ts'
import { asksForAll } from '../filters.ts'
import { pageEnds, pageRows, readPaging } from '../listing.ts'
import { viewTransfer } from './view.ts'

type Deps = { database: Database }

const sortKeys = { id: 'id', created_at: 'created_at', name: 'name', volume_id: 'volume_id' }

/** GET /volume-transfers and its detail: the rows' reply schemas differ. Paging counts since 3.59. */
export async function listTransfers(context: Context, request: ApiRequest, deps: Deps) {
  const q = deps.database.query
  const asked = context.allows('page-transfers') ? request : { ...request, query: {} }
  const paging = readPaging(context, asked, sortKeys)
  const rows = q('volume_transfers')
  if (!asksForAll(context, request)) rows.where('source_project_id', context.identity?.projectId ?? '')
  const visible = rows.clone()
  const page = await pageRows<TransferRow>(q, 'volume_transfers', rows, paging, visible)
  return {
    transfers: transferRows(page.rows).map((row) => viewTransfer(request, row)),
    ...pageEnds(request, page, paging, 'transfers_links'),
  }
}

/** GET /volume-transfers/{id}. */
export async function showTransfer(context: Context, request: ApiRequest, deps: Deps) {
  const row = await ownTransfer(context, deps.database.query, request.params.id!, 'volume:get_transfer')
  return { transfer: viewTransfer(request, row) }
}

/** DELETE /volume-transfers/{id}: the volume is available again. */
export async function deleteTransfer(context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await deps.database.transaction(async (tx) => {
    const row = await ownTransfer(context, tx, request.params.id!, 'volume:delete_transfer')
    if (!(await deleteTransferRow(tx, row.id))) throw errors.TransferNotFound({ transfer_id: row.id })
    const from = 'awaiting-transfer'
    await move(tx, { table: 'volumes', id: row.volume_id, to: 'available', states: volumeStates, from })
  })
}

async function ownTransfer(context: Context, q: Query, id: string, rule: string): Promise<TransferRow> {
  const row = await getTransfer(q, id)
  const own = row.source_project_id === context.identity?.projectId
  if (!own && !context.may('context_is_admin')) throw errors.TransferNotFound({ transfer_id: id })
  context.enforce(rule, { project_id: row.source_project_id })
  return row
}
