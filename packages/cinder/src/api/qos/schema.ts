import type { Schema } from '@hearth/http'

const consumer: Schema = { type: 'string', enum: ['front-end', 'back-end', 'both'] }
const value: Schema = { type: ['string', 'integer', 'number', 'boolean'], maxLength: 255 }
const keys: Schema = { pattern: '^[a-zA-Z0-9-_:. ]{1,255}$' }

function specsBody(properties: Record<string, Schema>, required: string[]): Schema {
  return {
    type: 'object',
    required: ['qos_specs'],
    properties: {
      qos_specs: {
        type: 'object',
        properties,
        required,
        propertyNames: keys,
        additionalProperties: value,
        minProperties: 1,
      },
    },
    additionalProperties: false,
  }
}

export const createBody = specsBody({ name: { type: 'string', minLength: 1, maxLength: 255 }, consumer }, ['name'])
export const updateBody = specsBody({ consumer }, [])

export const deleteKeysBody: Schema = {
  type: 'object',
  required: ['keys'],
  properties: { keys: { type: 'array', items: { type: 'string', minLength: 1, maxLength: 255 }, uniqueItems: true } },
  additionalProperties: false,
}
