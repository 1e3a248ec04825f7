import { type Schema, since } from '@hearth/http'
import { booleanField, descriptionField, nameField, uuidField } from '../volumes/schema.ts'

function wrapped(key: string, properties: Record<string, Schema>, required: string[] = []): Schema {
  return {
    type: 'object',
    required: [key],
    properties: { [key]: { type: 'object', properties, required, additionalProperties: false } },
    additionalProperties: false,
  }
}

const word: Schema = { type: 'string', minLength: 1, maxLength: 255 }
const name = nameField
const description = descriptionField
const ids: Schema = { type: ['string', 'null'] }

export const createBody = wrapped(
  'group',
  {
    name,
    description,
    group_type: word,
    volume_types: { type: 'array', minItems: 1, uniqueItems: true, items: word },
    availability_zone: { type: ['string', 'null'], maxLength: 255 },
  },
  ['group_type', 'volume_types'],
)
export const updateBody = wrapped('group', { name, description, add_volumes: ids, remove_volumes: ids })
export const copyBody = wrapped('create-from-src', {
  name,
  description,
  source_group_id: uuidField,
  group_snapshot_id: uuidField,
})
export const deleteBody = wrapped('delete', { 'delete-volumes': booleanField })
export const resetBody = wrapped('reset_status', { status: word }, ['status'])

const text = { type: 'string' }
const textOrNull = { type: ['string', 'null'] }
const object = (properties: Record<string, Schema>): Schema => ({ type: 'object', properties })
const texts: Schema = { type: 'array', items: text }
const links: Schema = { type: 'array' }

const summary: Record<string, Schema> = { id: text, name: textOrNull }
const detail: Record<string, Schema> = {
  ...summary,
  status: text,
  availability_zone: textOrNull,
  created_at: text,
  description: textOrNull,
  group_type: text,
  volume_types: texts,
  group_snapshot_id: since('3.14', textOrNull),
  source_group_id: since('3.14', textOrNull),
  volumes: since('3.25', texts),
  replication_status: since('3.38', textOrNull),
  project_id: since('3.58', text),
}

export const summaryReply = object({ group: object(summary) })
export const showReply = object({ group: object(detail) })
export const listReply = object({ groups: { type: 'array', items: object(summary) }, group_links: links })
export const listDetailReply = object({ groups: { type: 'array', items: object(detail) }, group_links: links })
