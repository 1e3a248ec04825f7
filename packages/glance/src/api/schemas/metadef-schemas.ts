import type { Schema } from '@hearth/http'

const time: Schema = { type: 'string', readOnly: true, format: 'date-time' }
const url: Schema = { type: 'string', readOnly: true }
const texts: Schema = { type: 'array', items: { type: 'string' } }

/** Fields of a property definition: a subset of JSON schema. */
export const propertyMembers: Record<string, Schema> = {
  title: { type: 'string' },
  description: { type: 'string' },
  operators: texts,
  type: { type: 'string', enum: ['array', 'boolean', 'integer', 'number', 'object', 'string', null] },
  required: { type: 'array', items: { type: 'string' }, uniqueItems: true },
  minimum: { type: 'number' },
  maximum: { type: 'number' },
  maxLength: { type: 'integer', minimum: 0 },
  minLength: { type: 'integer', minimum: 0 },
  pattern: { type: 'string' },
  enum: { type: 'array', minItems: 1, uniqueItems: true },
  readonly: { type: 'boolean' },
  default: {},
  items: { type: 'object', properties: { type: { type: 'string' }, enum: { type: 'array' } } },
  maxItems: { type: 'integer', minimum: 0 },
  minItems: { type: 'integer', minimum: 0 },
  uniqueItems: { type: 'boolean' },
  additionalItems: { type: 'boolean' },
}

const name: Schema = { type: 'string', minLength: 1, maxLength: 80 }
const inner: Schema = { type: 'object', properties: propertyMembers, required: ['title', 'type'] }

export const namespaceMembers: Record<string, Schema> = {
  namespace: { type: 'string', description: 'The unique namespace text.', minLength: 1, maxLength: 80 },
  display_name: { type: 'string', description: 'The user friendly name for the namespace.', maxLength: 80 },
  description: { type: 'string', description: 'Provides a user friendly description.', maxLength: 500 },
  visibility: { type: 'string', description: 'Scope of namespace accessibility.', enum: ['public', 'private'] },
  protected: { type: 'boolean', description: 'If true, namespace will not be deletable.' },
  owner: { type: 'string', description: 'Owner of the namespace.', maxLength: 255 },
}

export const objectMembers: Record<string, Schema> = {
  name,
  description: { type: 'string' },
  required: texts,
  properties: { type: 'object', additionalProperties: inner },
}

export const associationMembers: Record<string, Schema> = {
  name: { type: 'string', description: 'Resource type name', minLength: 1, maxLength: 80 },
  prefix: { type: 'string', description: 'Prefix for properties in the namespace', maxLength: 80 },
  properties_target: { type: 'string', description: 'What the properties apply to', maxLength: 80 },
}

export const tagMembers: Record<string, Schema> = { name }

/** The schema documents of single metadata definitions. */
export function metadefItems() {
  const stamps = { created_at: time, updated_at: time }
  const links = { self: url, schema: url, ...stamps }
  return {
    namespace: {
      name: 'namespace',
      properties: {
        ...namespaceMembers,
        ...links,
        resource_type_associations: { type: 'array', items: { type: 'object', properties: associationMembers } },
        properties: { type: 'object', additionalProperties: inner },
        objects: { type: 'array', items: { type: 'object', properties: objectMembers } },
        tags: { type: 'array', items: { type: 'object', properties: tagMembers } },
      },
      required: ['namespace'],
    },
    resourceType: {
      name: 'resource_type_association',
      properties: { ...associationMembers, ...stamps },
      required: ['name'],
    },
    object: { name: 'object', properties: { ...objectMembers, ...links }, required: ['name'] },
    property: {
      name: 'property',
      properties: { name, ...propertyMembers },
      required: ['name', 'title', 'type'],
    },
    tag: { name: 'tag', properties: { ...tagMembers, ...stamps }, required: ['name'] },
  }
}
