import { uuid } from '@hearth/core'
import type { Query, Transaction } from '@hearth/database'
import { errors } from '../errors.ts'
import { actions, details, type MessageAction, type MessageDetail } from './texts.ts'

export interface MessageRow {
  id: string
  project_id: string
  request_id: string | null
  resource_type: string | null
  resource_uuid: string | null
  action_id: string
  detail_id: string
  event_id: string
  message_level: string
  created_at: number
  expires_at: number
}

interface NewMessage {
  projectId: string
  action: MessageAction
  detail: MessageDetail
  resourceType: 'VOLUME' | 'VOLUME_SNAPSHOT' | 'VOLUME_BACKUP'
  resourceId: string
  requestId: string | null
}

const keptMs = 30 * 24 * 3600 * 1000

/**
 * Inserts a message to the users of a project about why work on one of their resources failed. Messages live for 30
 * days; expired ones are removed here.
 */
export async function addMessage(tx: Transaction, message: NewMessage): Promise<void> {
  const action_id = actions[message.action][0]
  const detail_id = details[message.detail][0]
  const now = Date.now()
  const row: MessageRow = {
    id: uuid(),
    project_id: message.projectId,
    request_id: message.requestId,
    resource_type: message.resourceType,
    resource_uuid: message.resourceId,
    action_id,
    detail_id,
    event_id: `VOLUME_${message.resourceType}_${action_id}_${detail_id}`,
    message_level: 'ERROR',
    created_at: now,
    expires_at: now + keptMs,
  }
  await tx('messages').where('expires_at', '<=', now).delete()
  await tx('messages').insert(row)
}

/**
 * Returns a query for the messages of the project that have not expired, to be filtered and paged; null selects all
 * projects.
 */
export function messageRows(q: Query, projectId: string | null) {
  const rows = q('messages').where('messages.expires_at', '>', Date.now())
  if (projectId !== null) rows.where('messages.project_id', projectId)
  return rows
}

/** Throws MessageNotFound (404). */
export async function getMessage(q: Query, id: string): Promise<MessageRow> {
  const row = await q<MessageRow>('messages').where({ id }).where('expires_at', '>', Date.now()).first()
  if (!row) throw errors.MessageNotFound({ message_id: id })
  return row as MessageRow
}

/** Deletes a message. */
export async function deleteMessageRow(q: Query, id: string): Promise<void> {
  await q('messages').where({ id }).delete()
}
