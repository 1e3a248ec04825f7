import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { type AttachmentRow, getAttachment } from '../../model/attachments/store.ts'
import type { ApiDeps } from '../deps.ts'
import { applyFilters, asksForAll, type FilterTable, readFilters } from '../filters.ts'
import { pageRows, readPaging } from '../listing.ts'
import { resourceFilters } from '../resource-filters/known.ts'
import { getVolumeFor } from '../volumes/authorize.ts'
import { detailView, summaryView } from './view.ts'

const columns = ['id', 'volume_id', 'created_at', 'updated_at', 'attach_mode', 'project_id']
const sortKeys: Record<string, string> = {
  ...Object.fromEntries(columns.map((column) => [column, column])),
  attach_status: 'status',
  status: 'status',
  instance_uuid: 'instance_uuid',
}

const filterTable: FilterTable = {
  table: 'attachments',
  configured: resourceFilters.attachment!,
  columns: {
    id: { kind: 'text' },
    volume_id: { kind: 'text' },
    status: { kind: 'text' },
    attach_status: { kind: 'text', column: 'status' },
    instance_id: { kind: 'text', column: 'instance_uuid' },
    instance_uuid: { kind: 'text' },
    attached_host: { kind: 'text' },
    project_id: { kind: 'text' },
  },
}

/** GET /attachments and /attachments/detail. There are no links to the next page, as in upstream. */
export async function listAttachments(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const detail = request.url.split('?', 1)[0]!.endsWith('/detail')
  const q = deps.database.query
  const paging = readPaging(context, request, sortKeys)
  const rows = q('attachments')
  if (!asksForAll(context, request)) rows.where('attachments.project_id', context.identity?.projectId ?? '')
  const visible = rows.clone()
  applyFilters(context, rows, filterTable, readFilters(context, request, filterTable))
  const page = await pageRows<AttachmentRow>(q, 'attachments', rows, paging, visible)
  return { attachments: page.rows.map(detail ? detailView : summaryView) }
}

/** GET /attachments/{id}. */
export async function showAttachment(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const attachment = await getAttachment(deps.database.query, request.params.id!)
  await getVolumeFor(context, deps.database.query, attachment.volume_id, 'volume:attachment_get_all')
  return { attachment: detailView(attachment) }
}
