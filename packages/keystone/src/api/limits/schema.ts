import { nameOf, text, textOrNull, wrapped } from '../shapes.ts'

const amount = { type: 'integer', minimum: -1, maximum: 0x7fffffff }
const regionId = { type: ['string', 'null'], maxLength: 255 }
const owner = { type: ['string', 'null'], maxLength: 64 }

const registered = {
  service_id: text,
  region_id: regionId,
  resource_name: nameOf(255),
  default_limit: amount,
  description: textOrNull,
}

const limit = {
  service_id: text,
  region_id: regionId,
  resource_name: nameOf(255),
  resource_limit: amount,
  project_id: owner,
  domain_id: owner,
  description: textOrNull,
}

/** Returns the schema of a body that creates several limits at once. */
function listOf(key: string, properties: object, required: string[]) {
  const items = { type: 'object', properties, required, additionalProperties: false }
  return { type: 'object', required: [key], properties: { [key]: { type: 'array', minItems: 1, items } } }
}

export const createRegistered = listOf('registered_limits', registered, [
  'service_id',
  'resource_name',
  'default_limit',
])
export const updateRegistered = wrapped('registered_limit', registered)
export const createLimits = listOf('limits', limit, ['service_id', 'resource_name', 'resource_limit'])
export const updateLimit = wrapped('limit', { resource_limit: amount, description: textOrNull })

export interface RegisteredInput {
  service_id?: string
  region_id?: string | null
  resource_name?: string
  default_limit?: number
  description?: string | null
}

export interface LimitInput {
  service_id: string
  region_id?: string | null
  resource_name: string
  resource_limit: number
  project_id?: string | null
  domain_id?: string | null
  description?: string | null
}
