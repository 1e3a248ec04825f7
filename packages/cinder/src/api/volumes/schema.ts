import { type Schema, since } from '@hearth/http'

const text = { type: 'string' }
const textOrNull = { type: ['string', 'null'] }
const boolean = { type: 'boolean' }
const integer = { type: 'integer' }
const anyObject = { type: 'object', additionalProperties: true }

const links: Schema = { type: 'array', items: { type: 'object', properties: { rel: text, href: text } } }

export const nameField: Schema = { type: ['string', 'null'], minLength: 0, maxLength: 255 }
export const descriptionField: Schema = { type: ['string', 'null'], minLength: 0, maxLength: 255 }
/** The values that Cinder's strict boolean parser accepts. */
export const booleanField: Schema = {
  type: ['boolean', 'string'],
  enum: [
    true,
    false,
    ...['TRUE', 'True', 'true', 'ON', 'On', 'on', 'YES', 'Yes', 'yes', 'Y', 'y', 'T', 't', '1'],
    ...['FALSE', 'False', 'false', 'OFF', 'Off', 'off', 'NO', 'No', 'no', 'N', 'n', 'F', 'f', '0'],
  ],
}
export const metadataField: Schema = {
  type: 'object',
  patternProperties: { '^[a-zA-Z0-9\\-_:. /]{1,255}$': { type: 'string', maxLength: 255 } },
  additionalProperties: false,
}
export const uuidField: Schema = { type: 'string', format: 'uuid' }
const uuidOrNull: Schema = { type: ['string', 'null'], format: 'uuid' }

/** Returns true for the values of `booleanField` that mean true. */
export function isTruthy(value: unknown): boolean {
  return value === true || (typeof value === 'string' && /^(true|on|yes|y|t|1)$/i.test(value))
}

const newVolumeFields: Record<string, Schema> = {
  name: nameField,
  description: descriptionField,
  display_name: nameField,
  display_description: descriptionField,
  size: { oneOf: [integer, { type: 'string', pattern: '^[0-9]+$' }, { type: 'null' }] },
  volume_type: { type: ['string', 'null'], minLength: 1, maxLength: 255 },
  metadata: metadataField,
  availability_zone: { type: ['string', 'null'], minLength: 1, maxLength: 255 },
  snapshot_id: uuidOrNull,
  source_volid: uuidOrNull,
  imageRef: textOrNull,
  image_id: textOrNull,
  consistencygroup_id: uuidOrNull,
  multiattach: booleanField,
  group_id: since('3.13', uuidOrNull),
  backup_id: since('3.47', uuidOrNull),
}

/** More fields that a strict create accepts and ignores, because old clients send them. */
const ignoredFields = ['source_replica', 'status', 'attach_status', 'user_id', 'project_id', 'shared_targets']

export const newVolumeNames = new Set([...Object.keys(newVolumeFields), ...ignoredFields])

export const createBody: Schema = {
  type: 'object',
  required: ['volume'],
  properties: {
    volume: { type: 'object', properties: newVolumeFields },
    'OS-SCH-HNT:scheduler_hints': { type: ['object', 'null'] },
  },
}

export const updateBody: Schema = {
  type: 'object',
  required: ['volume'],
  properties: {
    volume: {
      type: 'object',
      properties: {
        name: nameField,
        description: descriptionField,
        display_name: nameField,
        display_description: descriptionField,
        metadata: { ...metadataField, type: ['object', 'null'] },
      },
    },
  },
}

export const updateNames = new Set(['name', 'description', 'display_name', 'display_description', 'metadata'])

const attachment: Schema = {
  type: 'object',
  properties: {
    id: text,
    attachment_id: text,
    volume_id: text,
    server_id: textOrNull,
    host_name: textOrNull,
    device: textOrNull,
    attached_at: textOrNull,
  },
}

/** Fields of a volume in the responses of create and update. */
export const plainVolume: Record<string, Schema> = {
  id: text,
  status: text,
  size: integer,
  availability_zone: textOrNull,
  created_at: text,
  updated_at: textOrNull,
  name: textOrNull,
  description: textOrNull,
  volume_type: textOrNull,
  snapshot_id: textOrNull,
  source_volid: textOrNull,
  metadata: anyObject,
  links,
  user_id: text,
  bootable: text,
  encrypted: boolean,
  replication_status: textOrNull,
  consistencygroup_id: textOrNull,
  multiattach: boolean,
  attachments: { type: 'array', items: attachment },
  migration_status: textOrNull,
  group_id: since('3.13', textOrNull),
  provider_id: since('3.21', textOrNull),
  shared_targets: since('3.48', { type: ['boolean', 'null'] }),
  service_uuid: since('3.48', textOrNull),
  cluster_name: since('3.61', textOrNull),
  volume_type_id: since('3.63', textOrNull),
  encryption_key_id: since('3.64', text),
  consumes_quota: since('3.65', boolean),
}

/** Fields of a volume in the responses of show and detail; policies decide which of them the caller sees. */
export const detailedVolume: Record<string, Schema> = {
  ...plainVolume,
  'os-vol-host-attr:host': textOrNull,
  'os-vol-tenant-attr:tenant_id': text,
  'os-vol-mig-status-attr:migstat': textOrNull,
  'os-vol-mig-status-attr:name_id': textOrNull,
  volume_image_metadata: anyObject,
}

const object = (properties: Record<string, Schema>): Schema => ({ type: 'object', properties })
const array = (items: Schema): Schema => ({ type: 'array', items })

export const plainReply = object({ volume: object(plainVolume) })
export const detailReply = object({ volume: object(detailedVolume) })
export const listReply = object({
  volumes: array(object({ id: text, name: textOrNull, links })),
  volumes_links: links,
  count: since('3.45', integer),
})
export const detailListReply = object({
  volumes: array(object(detailedVolume)),
  volumes_links: links,
  count: since('3.45', integer),
})
export const summaryReply = object({
  'volume-summary': object({ total_count: integer, total_size: integer, metadata: since('3.36', anyObject) }),
})
export const metadataBody: Schema = { type: 'object', required: ['metadata'], properties: { metadata: metadataField } }
export const metadataItemBody: Schema = { type: 'object', required: ['meta'], properties: { meta: metadataField } }
