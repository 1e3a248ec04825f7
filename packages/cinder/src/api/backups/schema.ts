import { type Schema, since } from '@hearth/http'
import { booleanField, descriptionField, metadataField, nameField, uuidField } from '../volumes/schema.ts'

const text = { type: 'string' }
const textOrNull = { type: ['string', 'null'] }
const integer = { type: 'integer' }
const boolean = { type: 'boolean' }
const uuidOrNull: Schema = { type: ['string', 'null'], format: 'uuid' }
const metadataOrNull: Schema = { ...metadataField, type: ['object', 'null'] }

function wrapped(key: string, properties: Record<string, Schema>, required: string[] = []): Schema {
  return {
    type: 'object',
    required: [key],
    properties: { [key]: { type: 'object', properties, required, additionalProperties: false } },
    additionalProperties: false,
  }
}

export const createBody = wrapped(
  'backup',
  {
    volume_id: uuidField,
    // A container's name is one segment of a path.
    container: { type: ['string', 'null'], minLength: 0, maxLength: 255, pattern: '^[^/]*$' },
    name: nameField,
    description: descriptionField,
    incremental: booleanField,
    force: booleanField,
    snapshot_id: uuidOrNull,
    metadata: since('3.43', metadataOrNull),
    availability_zone: since('3.51', { type: ['string', 'null'], minLength: 0, maxLength: 255 }),
  },
  ['volume_id'],
)

export const updateBody: Schema = wrapped('backup', {
  name: nameField,
  description: descriptionField,
  metadata: since('3.43', metadataOrNull),
})

export const restoreBody: Schema = {
  type: 'object',
  required: ['restore'],
  properties: {
    restore: {
      type: ['object', 'null'],
      properties: { name: nameField, volume_id: uuidOrNull },
      additionalProperties: false,
    },
  },
  additionalProperties: false,
}

export const importBody = wrapped(
  'backup-record',
  {
    backup_service: { type: 'string', minLength: 1, maxLength: 255 },
    backup_url: { type: 'string', minLength: 1 },
  },
  ['backup_service', 'backup_url'],
)

export const resetBody = wrapped('os-reset_status', { status: { type: 'string', enum: ['available', 'error'] } }, [
  'status',
])

const links: Schema = { type: 'array', items: { type: 'object', properties: { rel: text, href: text } } }
const summary: Record<string, Schema> = { id: text, name: textOrNull, links }
const object = (properties: Record<string, Schema>): Schema => ({ type: 'object', properties })

const detail: Record<string, Schema> = {
  ...summary,
  status: text,
  size: integer,
  object_count: integer,
  availability_zone: textOrNull,
  container: textOrNull,
  created_at: text,
  updated_at: textOrNull,
  description: textOrNull,
  fail_reason: textOrNull,
  volume_id: text,
  is_incremental: boolean,
  has_dependent_backups: boolean,
  snapshot_id: textOrNull,
  data_timestamp: textOrNull,
  'os-backup-project-attr:project_id': since('3.18', text),
  metadata: since('3.43', { type: 'object', additionalProperties: text }),
  user_id: since('3.56', text),
  encryption_key_id: since('3.64', textOrNull),
}

export const summaryReply = object({
  backup: object({ ...summary, metadata: since('3.43', { type: 'object', additionalProperties: text }) }),
})
export const importReply = object({ backup: object(summary) })
export const showReply = object({ backup: object(detail) })

function listReply(item: Record<string, Schema>): Schema {
  return object({
    backups: { type: 'array', items: object(item) },
    backups_links: links,
    count: since('3.45', integer),
  })
}
export const listSummaryReply = listReply(summary)
export const listDetailReply = listReply(detail)
