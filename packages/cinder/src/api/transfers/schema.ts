import { type Schema, since } from '@hearth/http'
import { booleanField, nameField, uuidField } from '../volumes/schema.ts'

function wrapped(key: string, properties: Record<string, Schema>, required: string[]): Schema {
  return {
    type: 'object',
    required: [key],
    properties: { [key]: { type: 'object', properties, required, additionalProperties: false } },
    additionalProperties: false,
  }
}

export const createBody = wrapped(
  'transfer',
  { volume_id: uuidField, name: nameField, no_snapshots: since('3.55', booleanField) },
  ['volume_id'],
)
export const acceptBody = wrapped('accept', { auth_key: { type: ['string', 'integer'] } }, ['auth_key'])

const text = { type: 'string' }
const textOrNull = { type: ['string', 'null'] }
const links: Schema = { type: 'array', items: { type: 'object', properties: { rel: text, href: text } } }
const object = (properties: Record<string, Schema>): Schema => ({ type: 'object', properties })

const summary: Record<string, Schema> = { id: text, volume_id: text, name: textOrNull, links }
const detail: Record<string, Schema> = {
  ...summary,
  created_at: text,
  no_snapshots: since('3.55', { type: 'boolean' }),
  source_project_id: since('3.57', text),
  destination_project_id: since('3.57', textOrNull),
  accepted: since('3.57', { type: 'boolean' }),
}

export const summaryReply = object({ transfer: object(summary) })
export const showReply = object({ transfer: object(detail) })
export const createReply = object({ transfer: object({ ...detail, auth_key: text }) })
export const listReply = object({ transfers: { type: 'array', items: object(summary) }, transfers_links: links })
export const listDetailReply = object({ transfers: { type: 'array', items: object(detail) }, transfers_links: links })
