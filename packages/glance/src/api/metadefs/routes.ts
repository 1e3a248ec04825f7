import type { Route, Schema } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import {
  associationMembers,
  namespaceMembers,
  objectMembers,
  propertyMembers,
  tagMembers,
} from '../schemas/metadef-schemas.ts'
import { addAssociation, listAssociations, listResourceTypes, removeAssociation } from './associations.ts'
import { createItem, deleteItems, listItems, replaceTags, showItem, updateItem } from './items.ts'
import { createNamespace, deleteNamespace, listNamespaces, showNamespace, updateNamespace } from './namespaces.ts'

const body = (properties: Record<string, Schema>, required: string[], additionalProperties = false): Schema => ({
  type: 'object',
  properties,
  required,
  additionalProperties,
})
const ignored = { self: {}, schema: {}, created_at: {}, updated_at: {} }
const association = body({ ...associationMembers, ...ignored }, ['name'])
const tag = body({ ...tagMembers, ...ignored }, ['name'])
const object = body({ ...objectMembers, ...ignored }, ['name'])
const property = body({ ...tagMembers, ...propertyMembers }, ['name', 'title', 'type'])
const embeddedProperty = body(propertyMembers, ['title', 'type'], true)
const namespace = body(
  {
    ...namespaceMembers,
    ...ignored,
    resource_type_associations: { type: 'array', items: association },
    properties: { type: 'object', additionalProperties: embeddedProperty },
    objects: { type: 'array', items: object },
    tags: { type: 'array', items: tag },
  },
  ['namespace'],
)
const namespaces = '/metadefs/namespaces'
const one = `${namespaces}/:namespace`

const namespaceRoutes: Route<ApiDeps>[] = [
  { method: 'GET', path: namespaces, policy: 'get_metadef_namespaces', status: 200, operation: listNamespaces },
  {
    method: 'POST',
    path: namespaces,
    policy: 'add_metadef_namespace',
    body: namespace,
    status: 201,
    operation: createNamespace,
  },
  { method: 'GET', path: one, policy: 'get_metadef_namespace', status: 200, operation: showNamespace },
  {
    method: 'PUT',
    path: one,
    policy: 'modify_metadef_namespace',
    body: namespace,
    status: 200,
    operation: updateNamespace,
  },
  { method: 'DELETE', path: one, policy: 'delete_metadef_namespace', status: 204, operation: deleteNamespace },
]

interface Rules {
  list: string
  show: string
  add: string
  modify: string
  remove: string
}

/** The seven rows that objects and properties have. */
function itemRoutes(kind: 'object' | 'property', key: string, schema: Schema, rules: Rules): Route<ApiDeps>[] {
  const all = `${one}/${key}`
  const each = `${all}/:name`
  const { list, show, add, modify, remove } = rules
  return [
    { method: 'GET', path: all, policy: list, status: 200, operation: listItems(kind, list) },
    { method: 'POST', path: all, policy: add, body: schema, status: 201, operation: createItem(kind, add) },
    { method: 'DELETE', path: all, policy: remove, status: 204, operation: deleteItems(kind, remove) },
    { method: 'GET', path: each, policy: show, status: 200, operation: showItem(kind, show) },
    { method: 'PUT', path: each, policy: modify, body: schema, status: 200, operation: updateItem(kind, modify) },
    { method: 'DELETE', path: each, policy: remove, status: 204, operation: deleteItems(kind, remove) },
  ]
}

const objectRules = {
  list: 'get_metadef_objects',
  show: 'get_metadef_object',
  add: 'add_metadef_object',
  modify: 'modify_metadef_object',
  remove: 'delete_metadef_object',
}
const propertyRules = {
  list: 'get_metadef_properties',
  show: 'get_metadef_property',
  add: 'add_metadef_property',
  modify: 'modify_metadef_property',
  remove: 'remove_metadef_property',
}

const tags = `${one}/tags`
const oneTag = `${tags}/:name`
const manyTags = body({ tags: { type: 'array', items: tag } }, ['tags'])
const tagRoutes: Route<ApiDeps>[] = [
  {
    method: 'GET',
    path: tags,
    policy: 'get_metadef_tags',
    status: 200,
    operation: listItems('tag', 'get_metadef_tags'),
  },
  {
    method: 'POST',
    path: tags,
    policy: 'add_metadef_tags',
    body: manyTags,
    status: 201,
    operation: replaceTags('add_metadef_tags'),
  },
  {
    method: 'DELETE',
    path: tags,
    policy: 'delete_metadef_tags',
    status: 204,
    operation: deleteItems('tag', 'delete_metadef_tags'),
  },
  {
    method: 'GET',
    path: oneTag,
    policy: 'get_metadef_tag',
    status: 200,
    operation: showItem('tag', 'get_metadef_tag'),
  },
  {
    method: 'POST',
    path: oneTag,
    policy: 'add_metadef_tag',
    status: 201,
    operation: createItem('tag', 'add_metadef_tag'),
  },
  {
    method: 'PUT',
    path: oneTag,
    policy: 'modify_metadef_tag',
    body: tag,
    status: 200,
    operation: updateItem('tag', 'modify_metadef_tag'),
  },
  {
    method: 'DELETE',
    path: oneTag,
    policy: 'delete_metadef_tag',
    status: 204,
    operation: deleteItems('tag', 'delete_metadef_tag'),
  },
]

const associationRoutes: Route<ApiDeps>[] = [
  {
    method: 'GET',
    path: '/metadefs/resource_types',
    policy: 'list_metadef_resource_types',
    status: 200,
    operation: listResourceTypes,
  },
  {
    method: 'GET',
    path: `${one}/resource_types`,
    policy: 'get_metadef_resource_type',
    status: 200,
    operation: listAssociations,
  },
  {
    method: 'POST',
    path: `${one}/resource_types`,
    policy: 'add_metadef_resource_type_association',
    body: association,
    status: 201,
    operation: addAssociation,
  },
  {
    method: 'DELETE',
    path: `${one}/resource_types/:name`,
    policy: 'remove_metadef_resource_type_association',
    status: 204,
    operation: removeAssociation,
  },
]

export const metadefRoutes: Route<ApiDeps>[] = [
  ...namespaceRoutes,
  ...itemRoutes('object', 'objects', object, objectRules),
  ...itemRoutes('property', 'properties', property, propertyRules),
  ...tagRoutes,
  ...associationRoutes,
]
