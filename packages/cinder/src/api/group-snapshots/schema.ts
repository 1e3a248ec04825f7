import { type Schema, since } from '@hearth/http'
import { descriptionField, nameField, uuidField } from '../volumes/schema.ts'

function wrapped(key: string, properties: Record<string, Schema>, required: string[]): Schema {
  return {
    type: 'object',
    required: [key],
    properties: { [key]: { type: 'object', properties, required, additionalProperties: false } },
    additionalProperties: false,
  }
}

export const createBody = wrapped(
  'group_snapshot',
  { group_id: uuidField, name: nameField, description: descriptionField },
  ['group_id'],
)
export const resetBody = wrapped('reset_status', { status: { type: 'string', minLength: 1, maxLength: 255 } }, [
  'status',
])

const text = { type: 'string' }
const textOrNull = { type: ['string', 'null'] }
const object = (properties: Record<string, Schema>): Schema => ({ type: 'object', properties })
const summary: Record<string, Schema> = { id: text, name: textOrNull }
const detail: Record<string, Schema> = {
  ...summary,
  group_id: text,
  group_type_id: text,
  status: text,
  created_at: text,
  description: textOrNull,
  project_id: since('3.58', text),
}

export const createReply = object({ group_snapshot: object({ ...summary, group_type_id: text }) })
export const showReply = object({ group_snapshot: object(detail) })
const list = (item: Record<string, Schema>) =>
  object({ group_snapshots: { type: 'array', items: object(item) }, group_snapshot_links: { type: 'array' } })
export const listReply = list(summary)
export const listDetailReply = list(detail)
