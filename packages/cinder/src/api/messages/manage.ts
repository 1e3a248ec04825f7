import { type Context, isoMicroseconds } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { deleteMessageRow, getMessage, type MessageRow, messageRows } from '../../model/messages/store.ts'
import { userMessage } from '../../model/messages/texts.ts'
import { applyFilters, asksForAll, type FilterTable, readFilters } from '../filters.ts'
import { itemLinks } from '../links.ts'
import { pageEnds, pageRows, readPaging } from '../listing.ts'

type Deps = { database: Database }

const sortKeys = Object.fromEntries(
  ['id', 'created_at', 'event_id', 'message_level', 'request_id', 'resource_type', 'resource_uuid'].map((key) => [
    key,
    key,
  ]),
)
const filterable = ['resource_uuid', 'resource_type', 'event_id', 'request_id', 'message_level'] as const
const filterTable: FilterTable = {
  table: 'messages',
  configured: filterable,
  columns: Object.fromEntries(filterable.map((key) => [key, { kind: 'text' }])),
}

/** GET /messages. Sorting, filters and paging count since 3.5. */
export async function listMessages(context: Context, request: ApiRequest, deps: Deps) {
  const q = deps.database.query
  const asked = context.allows('page-messages') ? request : { ...request, query: {} }
  const paging = readPaging(context, asked, sortKeys)
  const rows = messageRows(q, asksForAll(context, asked) ? null : (context.identity?.projectId ?? ''))
  const visible = rows.clone()
  applyFilters(context, rows, filterTable, readFilters(context, asked, filterTable))
  const page = await pageRows<MessageRow>(q, 'messages', rows, paging, visible)
  return {
    messages: page.rows.map((row) => view(request, row)),
    ...pageEnds(request, page, paging, 'messages_links'),
  }
}

/** GET /messages/{id}. */
export async function showMessage(context: Context, request: ApiRequest, deps: Deps) {
  return { message: view(request, await ownMessage(context, request, deps, 'message:get')) }
}

/** DELETE /messages/{id}. */
export async function deleteMessage(context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const row = await ownMessage(context, request, deps, 'message:delete')
  await deleteMessageRow(deps.database.query, row.id)
}

async function ownMessage(context: Context, request: ApiRequest, deps: Deps, rule: string): Promise<MessageRow> {
  const row = await getMessage(deps.database.query, request.params.id!)
  const isOwn = row.project_id === context.identity?.projectId
  if (!isOwn && !context.may('context_is_admin')) throw errors.MessageNotFound({ message_id: row.id })
  context.enforce(rule, { project_id: row.project_id })
  return row
}

function view(request: ApiRequest, row: MessageRow) {
  return {
    id: row.id,
    event_id: row.event_id,
    user_message: userMessage(row.action_id, row.detail_id),
    message_level: row.message_level,
    created_at: isoMicroseconds(row.created_at),
    guaranteed_until: isoMicroseconds(row.expires_at),
    request_id: row.request_id ?? '',
    resource_type: row.resource_type,
    resource_uuid: row.resource_uuid,
    links: itemLinks(request, 'messages', row.id),
  }
}
