import type { Schema } from '@hearth/http'

/** Limits come as numbers or as digits in a string; which keys exist depends on the volume types. */
const limits: Schema = {
  type: 'object',
  propertyNames: { maxLength: 300 },
  additionalProperties: {
    anyOf: [
      { type: 'integer', minimum: -1, maximum: 0x7fffffff },
      { type: 'string', maxLength: 255 },
    ],
  },
}

export const quotaSetBody: Schema = {
  type: 'object',
  required: ['quota_set'],
  properties: { quota_set: limits },
  additionalProperties: false,
}

export const quotaClassBody: Schema = {
  type: 'object',
  required: ['quota_class_set'],
  properties: { quota_class_set: limits },
  additionalProperties: false,
}
