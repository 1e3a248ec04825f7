import type { Query, Transaction } from '@hearth/database'
import { errors } from '../errors.ts'

export type Connector = Record<string, unknown>

/** A row of `attachments`; `connector` and `connection_info` are JSON. */
export interface AttachmentRow {
  id: string
  volume_id: string
  project_id: string
  instance_uuid: string | null
  attached_host: string | null
  mountpoint: string | null
  attach_mode: string | null
  /** Called `attach_status` on the wire. */
  status: string
  connector: string | null
  /** Nested connection_info, in the form that drivers return. */
  connection_info: string | null
  attached_at: number | null
  detached_at: number | null
  created_at: number
  updated_at: number | null
}

type NewAttachment = Pick<AttachmentRow, 'id' | 'volume_id' | 'project_id' | 'status'> & Partial<AttachmentRow>

/** Inserts an attachment with defaults for absent columns, and returns it. */
export async function createAttachmentRow(tx: Transaction, attachment: NewAttachment): Promise<AttachmentRow> {
  const row: AttachmentRow = {
    instance_uuid: null,
    attached_host: null,
    mountpoint: null,
    attach_mode: null,
    connector: null,
    connection_info: null,
    attached_at: null,
    detached_at: null,
    created_at: Date.now(),
    updated_at: null,
    ...attachment,
  }
  await tx('attachments').insert(row)
  return row
}

/** Returns the attachment, or undefined if there is none. */
export async function findAttachment(q: Query, id: string): Promise<AttachmentRow | undefined> {
  return q<AttachmentRow>('attachments').where({ id }).first()
}

/** Returns the attachment. Throws VolumeAttachmentNotFound (404). */
export async function getAttachment(q: Query, id: string): Promise<AttachmentRow> {
  const row = await findAttachment(q, id)
  if (!row) throw errors.VolumeAttachmentNotFound({ filter: `attachment_id = ${id}` })
  return row
}

/** Returns the attachments with these column values, oldest first. */
export async function listAttachments(q: Query, where: Partial<AttachmentRow>): Promise<AttachmentRow[]> {
  return q<AttachmentRow>('attachments').where(where).orderBy(['created_at', 'id']).select('*') as Promise<
    AttachmentRow[]
  >
}

/** Deletes the row. Returns false if it was gone. */
export async function deleteAttachmentRow(tx: Query, id: string): Promise<boolean> {
  return (await tx('attachments').where({ id }).delete()) > 0
}

/** Deletes all attachments of a volume. */
export async function deleteAttachmentsOf(tx: Query, volumeId: string): Promise<void> {
  await tx('attachments').where({ volume_id: volumeId }).delete()
}
