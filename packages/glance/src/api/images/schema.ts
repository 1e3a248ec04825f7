import type { Schema } from '@hearth/http'

const containerFormats = ['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed', null]
const diskFormats = ['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop', null]
const visibilities = ['community', 'public', 'private', 'shared']
const statuses = [
  'queued',
  'saving',
  'active',
  'killed',
  'deleted',
  'uploading',
  'importing',
  'pending_delete',
  'deactivated',
]
const uuidText = '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$'

/** Base properties of an image: the /v2/schemas/image document lists them, and bodies are checked by them. */
export const imageProperties: Record<string, Schema> = {
  id: { type: 'string', description: 'An identifier for the image', pattern: uuidText },
  name: { type: ['null', 'string'], description: 'Descriptive name for the image', maxLength: 255 },
  status: { type: 'string', readOnly: true, description: 'Status of the image', enum: statuses },
  visibility: { type: 'string', description: 'Scope of image accessibility', enum: visibilities },
  protected: { type: 'boolean', description: 'If true, image will not be deletable.' },
  os_hidden: { type: 'boolean', description: 'If true, image will not appear in default image list response.' },
  checksum: { type: ['null', 'string'], readOnly: true, description: 'md5 hash of image contents.', maxLength: 32 },
  os_hash_algo: {
    type: ['null', 'string'],
    readOnly: true,
    description: 'Algorithm to calculate the os_hash_value',
    maxLength: 64,
  },
  os_hash_value: {
    type: ['null', 'string'],
    readOnly: true,
    description: 'Hexdigest of the image contents using the algorithm specified by the os_hash_algo',
    maxLength: 128,
  },
  owner: { type: ['null', 'string'], description: 'Owner of the image', maxLength: 255 },
  size: { type: ['null', 'integer'], readOnly: true, description: 'Size of image file in bytes' },
  virtual_size: { type: ['null', 'integer'], readOnly: true, description: 'Virtual size of image in bytes' },
  container_format: { type: ['null', 'string'], description: 'Format of the container', enum: containerFormats },
  disk_format: { type: ['null', 'string'], description: 'Format of the disk', enum: diskFormats },
  created_at: { type: 'string', readOnly: true, description: 'Date and time of image registration' },
  updated_at: { type: 'string', readOnly: true, description: 'Date and time of the last image modification' },
  tags: {
    type: 'array',
    description: 'List of strings related to the image',
    items: { type: 'string', maxLength: 255 },
  },
  direct_url: { type: 'string', readOnly: true, description: 'URL to access the image file kept in external store' },
  min_ram: { type: 'integer', description: 'Amount of ram (in MB) required to boot image.', minimum: 0 },
  min_disk: {
    type: 'integer',
    description: 'Amount of disk space (in GB) required to boot image.',
    minimum: 0,
  },
  self: { type: 'string', readOnly: true, description: 'An image self url' },
  file: { type: 'string', readOnly: true, description: 'An image file url' },
  schema: { type: 'string', readOnly: true, description: 'An image schema url' },
  // Clients (Nova) treat a property that is not listed here as a custom one and would send it back.
  stores: {
    type: 'string',
    readOnly: true,
    description:
      'Store in which image data resides. Only present when the operator has enabled multiple stores. May be a comma-separated list of store identifiers.',
  },
  locations: {
    type: 'array',
    description: 'A set of URLs to access the image file kept in external store',
    items: {
      type: 'object',
      properties: {
        url: { type: 'string', maxLength: 255 },
        metadata: { type: 'object' },
        validation_data: { type: 'object' },
      },
      required: ['url', 'metadata'],
    },
  },
}

/** Attributes that no client may write; refused with 403 before their values are checked. */
export const readOnlyAttributes = new Set([
  'created_at',
  'updated_at',
  'status',
  'checksum',
  'size',
  'virtual_size',
  'direct_url',
  'self',
  'file',
  'schema',
  'os_hash_algo',
  'os_hash_value',
  'stores',
])
/** Names a client must not give to a property. */
export const reservedAttributes = new Set(['location', 'deleted', 'deleted_at'])
export const reservedPrefix = 'os_glance'

/** Attributes an image has of itself, as opposed to custom properties. */
export const baseAttributes = new Set(Object.keys(imageProperties))

const writable = Object.entries(imageProperties).map(([name, schema]): [string, Schema] => {
  if (name === 'locations') return [name, {}]
  return [name, readOnlyAttributes.has(name) ? {} : schema]
})

/** Body of POST /v2/images. Read-only attributes are valid here, so that the operation can refuse them with 403. */
export const createBody: Schema = {
  type: 'object',
  properties: Object.fromEntries(writable),
  additionalProperties: { type: 'string' },
}
