import { type Schema, since } from '@hearth/http'
import { booleanField, descriptionField, metadataField, nameField } from '../volumes/schema.ts'

const text = { type: 'string' }
const textOrNull = { type: ['string', 'null'] }
const links: Schema = { type: 'array', items: { type: 'object', properties: { rel: text, href: text } } }

/** Fields of a snapshot in the responses of create, update and the plain listing. */
export const plainSnapshot: Record<string, Schema> = {
  id: text,
  created_at: text,
  updated_at: textOrNull,
  name: textOrNull,
  description: textOrNull,
  volume_id: text,
  status: text,
  size: { type: 'integer' },
  metadata: { type: 'object', additionalProperties: true },
  group_snapshot_id: since('3.14', textOrNull),
  user_id: since('3.41', text),
  consumes_quota: since('3.65', { type: 'boolean' }),
}

export const detailedSnapshot: Record<string, Schema> = {
  ...plainSnapshot,
  'os-extended-snapshot-attributes:progress': text,
  'os-extended-snapshot-attributes:project_id': text,
}

const object = (properties: Record<string, Schema>): Schema => ({ type: 'object', properties })
const list = (fields: Record<string, Schema>): Schema =>
  object({
    snapshots: { type: 'array', items: object(fields) },
    snapshots_links: links,
    count: since('3.45', { type: 'integer' }),
  })

export const plainReply = object({ snapshot: object(plainSnapshot) })
export const detailReply = object({ snapshot: object(detailedSnapshot) })
export const listReply = list(plainSnapshot)
export const detailListReply = list(detailedSnapshot)

export const createBody: Schema = {
  type: 'object',
  required: ['snapshot'],
  properties: {
    snapshot: {
      type: 'object',
      required: ['volume_id'],
      properties: {
        // Any text or null: a value that is not the id of a volume gives 404, not 400.
        volume_id: { type: ['string', 'null'], maxLength: 255 },
        name: nameField,
        description: descriptionField,
        display_name: nameField,
        display_description: descriptionField,
        force: booleanField,
        metadata: { ...metadataField, type: ['object', 'null'] },
      },
    },
  },
}

export const updateBody: Schema = {
  type: 'object',
  required: ['snapshot'],
  properties: {
    snapshot: {
      type: 'object',
      properties: {
        name: nameField,
        description: descriptionField,
        display_name: nameField,
        display_description: descriptionField,
      },
    },
  },
}
