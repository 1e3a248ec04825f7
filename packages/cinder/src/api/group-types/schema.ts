import type { Schema } from '@hearth/http'
import { extraSpecs, flag } from '../types/schema.ts'
import { descriptionField } from '../volumes/schema.ts'

function wrapped(key: string, properties: Record<string, Schema>, required: string[] = []): Schema {
  return {
    type: 'object',
    required: [key],
    properties: { [key]: { type: 'object', properties, required, additionalProperties: false } },
    additionalProperties: false,
  }
}

const name: Schema = { type: 'string', minLength: 1, maxLength: 255 }
const description = descriptionField

export const createBody = wrapped('group_type', { name, description, is_public: flag, group_specs: extraSpecs }, [
  'name',
])
export const updateBody = wrapped('group_type', {
  name: { type: ['string', 'null'], minLength: 1, maxLength: 255 },
  description,
  is_public: flag,
})
export const specsBody: Schema = {
  type: 'object',
  required: ['group_specs'],
  properties: { group_specs: { ...extraSpecs, minProperties: 1 } },
  additionalProperties: false,
}
export const specBody: Schema = { ...extraSpecs, minProperties: 1, maxProperties: 1 }
