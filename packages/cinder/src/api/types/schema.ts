import type { Schema } from '@hearth/http'

const truths = ['True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes', 'y', 'Y', 't', 'T']
const untruths = ['False', 'FALSE', 'false', '0', 'OFF', 'Off', 'off', 'NO', 'No', 'no', 'n', 'N', 'f', 'F']

/** A boolean, or one of the words upstream takes for one. */
export const flag: Schema = { enum: [true, false, ...truths, ...untruths] }

/** Returns the boolean of a value that passed the schema `flag`; `fallback` when it is absent. */
export function readFlag(value: unknown, fallback: boolean): boolean {
  if (value === undefined || value === null) return fallback
  return value === true || truths.includes(String(value))
}

const name: Schema = { type: 'string', minLength: 1, maxLength: 255 }
const description: Schema = { type: ['string', 'null'], maxLength: 255 }

export const extraSpecs: Schema = {
  type: 'object',
  propertyNames: { pattern: '^[a-zA-Z0-9-_:.]{1,255}$' },
  additionalProperties: { type: 'string', maxLength: 255 },
}

function wrapped(key: string, properties: Record<string, Schema>, required: string[] = []): Schema {
  return {
    type: 'object',
    required: [key],
    properties: { [key]: { type: 'object', properties, required, additionalProperties: false } },
    additionalProperties: false,
  }
}

/** Body of an access action. */
export const accessBody = (action: string): Schema =>
  wrapped(action, { project: { type: 'string', minLength: 1, maxLength: 255 } }, ['project'])

export const createBody = wrapped(
  'volume_type',
  { name, description, extra_specs: extraSpecs, 'os-volume-type-access:is_public': flag },
  ['name'],
)

export const updateBody = wrapped('volume_type', {
  name: { type: ['string', 'null'], maxLength: 255 },
  description,
  is_public: flag,
})

export const extraSpecsBody: Schema = {
  type: 'object',
  required: ['extra_specs'],
  properties: { extra_specs: { ...extraSpecs, minProperties: 1 } },
  additionalProperties: false,
}

export const extraSpecBody: Schema = { ...extraSpecs, minProperties: 1, maxProperties: 1 }

const encryption: Record<string, Schema> = {
  provider: { type: 'string', maxLength: 255 },
  control_location: { enum: ['front-end', 'back-end'] },
  cipher: { type: ['string', 'null'], maxLength: 255 },
  key_size: { type: ['integer', 'string', 'null'], minimum: 0, maximum: 0x7fffffff, pattern: '^[0-9]{1,9}$' },
}

export const createEncryptionBody = wrapped('encryption', encryption, ['provider', 'control_location'])
export const updateEncryptionBody = wrapped('encryption', encryption)

const members: Record<string, Schema> = {
  id: { type: 'string' },
  name: { type: 'string' },
  is_public: { type: 'boolean' },
  description: { type: ['string', 'null'] },
  extra_specs: { type: 'object', additionalProperties: { type: 'string' } },
}
const isPublic = { 'os-volume-type-access:is_public': { type: 'boolean' } }
const qos = { qos_specs_id: { type: ['string', 'null'] } }

const reply = (properties: Record<string, Schema>): Schema => ({
  type: 'object',
  properties: { volume_type: { type: 'object', properties } },
})

export const createReply = reply({ ...members, ...isPublic })
export const updateReply = reply(members)
export const showReply = reply({ ...members, ...isPublic, ...qos })
export const listReply: Schema = {
  type: 'object',
  properties: {
    volume_types: { type: 'array', items: { type: 'object', properties: { ...members, ...isPublic, ...qos } } },
    volume_type_links: { type: 'array' },
  },
}
