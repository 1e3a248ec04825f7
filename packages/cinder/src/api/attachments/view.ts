import { isoMicroseconds } from '@hearth/core'
import type { AttachmentRow } from '../../model/attachments/store.ts'

/** Returns an attachment as in the plain listing and in the response of DELETE. */
export function summaryView(row: AttachmentRow): Record<string, unknown> {
  return { id: row.id, status: row.status, instance: row.instance_uuid, volume_id: row.volume_id }
}

/** Returns an attachment as in all other responses, with a flat connection_info. */
export function detailView(row: AttachmentRow): Record<string, unknown> {
  return {
    ...summaryView(row),
    attached_at: isoMicroseconds(row.attached_at) ?? '',
    detached_at: isoMicroseconds(row.detached_at) ?? '',
    attach_mode: row.attach_mode,
    connection_info: flatConnection(row),
  }
}

function flatConnection(row: AttachmentRow): Record<string, unknown> {
  if (row.connection_info === null) return {}
  const { data, ...rest } = JSON.parse(row.connection_info) as { data: Record<string, unknown> }
  return { ...data, ...rest, attachment_id: row.id }
}
