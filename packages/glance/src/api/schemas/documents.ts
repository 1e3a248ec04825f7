import type { Schema } from '@hearth/http'
import { imageProperties } from '../images/schema.ts'
import { metadefItems } from './metadef-schemas.ts'

/** A JSON-schema document with the links Glance adds. */
function item(name: string, properties: Record<string, Schema>, more: object = {}): object {
  return { name, properties, ...more }
}

/** The document of a listing of `of` under `key`. */
function listing(name: string, key: string, of: object, paged: boolean): object {
  const links = [
    { rel: 'first', href: '{first}' },
    { rel: 'next', href: '{next}' },
    { rel: 'describedby', href: '{schema}' },
  ]
  return {
    name,
    properties: {
      [key]: { type: 'array', items: of },
      ...(paged ? { first: { type: 'string' }, next: { type: 'string' } } : {}),
      schema: { type: 'string' },
    },
    links: paged ? links : links.slice(2),
  }
}

const image = item('image', imageProperties, {
  additionalProperties: { type: 'string' },
  links: [
    { rel: 'self', href: '{self}' },
    { rel: 'enclosure', href: '{file}' },
    { rel: 'describedby', href: '{schema}' },
  ],
})

const member = item('member', {
  member_id: { type: 'string', description: 'An identifier for the image member (tenantId)' },
  image_id: { type: 'string', description: 'An identifier for the image' },
  created_at: { type: 'string', description: 'Date and time of image member creation' },
  updated_at: { type: 'string', description: 'Date and time of last modification of image member' },
  status: { type: 'string', description: 'The status of this image member', enum: ['pending', 'accepted', 'rejected'] },
  schema: { type: 'string', readOnly: true },
})

const task = item('task', {
  id: { type: 'string', description: 'An identifier for the task' },
  type: { type: 'string', description: 'The type of task represented by this content' },
  status: {
    type: 'string',
    description: 'The current status of this task',
    enum: ['pending', 'processing', 'success', 'failure'],
  },
  input: { type: ['null', 'object'], description: 'The parameters required by task, JSON blob' },
  result: { type: ['null', 'object'], description: 'The result of current task, JSON blob' },
  owner: { type: 'string', description: 'An identifier for the owner of this task' },
  message: { type: 'string', description: 'Human-readable informative message only included when appropriate' },
  expires_at: { type: ['null', 'string'], description: 'Datetime when this resource would be subject to removal' },
  created_at: { type: 'string', description: 'Datetime when this resource was created' },
  updated_at: { type: 'string', description: 'Datetime when this resource was updated' },
  image_id: { type: 'string', description: 'Image associated with the task' },
  request_id: { type: 'string', description: 'Human-readable informative request-id' },
  user_id: { type: 'string', description: 'User associated with the task' },
  self: { type: 'string', readOnly: true },
  schema: { type: 'string', readOnly: true },
})

const metadefs = metadefItems()

/** Every document of /v2/schemas, by what follows that in the path. */
export const schemaDocuments: Record<string, object> = {
  image,
  images: listing('images', 'images', image, true),
  member,
  members: listing('members', 'members', member, false),
  task,
  tasks: listing('tasks', 'tasks', task, true),
  'metadefs/namespace': metadefs.namespace,
  'metadefs/namespaces': listing('namespaces', 'namespaces', metadefs.namespace, true),
  'metadefs/resource_type': metadefs.resourceType,
  'metadefs/resource_types': listing(
    'resource_type_associations',
    'resource_type_associations',
    metadefs.resourceType,
    false,
  ),
  'metadefs/object': metadefs.object,
  'metadefs/objects': listing('objects', 'objects', metadefs.object, true),
  'metadefs/property': metadefs.property,
  'metadefs/properties': {
    name: 'properties',
    properties: { properties: { type: 'object', additionalProperties: metadefs.property } },
    links: [{ rel: 'describedby', href: '{schema}' }],
  },
  'metadefs/tag': metadefs.tag,
  'metadefs/tags': listing('tags', 'tags', metadefs.tag, true),
}
