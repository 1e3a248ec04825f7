import type { Database } from '@hearth/database'
import type { Route } from '@hearth/http'
import {
  changeGroupType,
  createGroupType,
  deleteGroupType,
  listGroupTypes,
  showDefaultGroupType,
  showGroupType,
} from './manage.ts'
import * as schema from './schema.ts'
import { createGroupSpecs, listGroupSpecs, removeGroupSpec, showGroupSpec, updateGroupSpec } from './specs.ts'

const since = '3.11'
const all = '/group_types'
const one = '/group_types/:id'
const specs = '/group_types/:id/group_specs'
const spec = '/group_types/:id/group_specs/:key'
const type = (verb: string) => `group:group_types:${verb}`
const rule = (verb: string) => `group:group_types_specs:${verb}`

export const groupTypeRoutes: Route<{ database: Database }>[] = [
  { method: 'GET', path: all, since, policy: type('get_all'), status: 200, operation: listGroupTypes },
  { method: 'GET', path: `${all}/default`, since, policy: type('get'), status: 200, operation: showDefaultGroupType },
  { method: 'GET', path: one, since, policy: type('get'), status: 200, operation: showGroupType },
  {
    method: 'POST',
    path: all,
    since,
    policy: type('create'),
    body: schema.createBody,
    status: 202,
    operation: createGroupType,
  },
  {
    method: 'PUT',
    path: one,
    since,
    policy: type('update'),
    body: schema.updateBody,
    status: 200,
    operation: changeGroupType,
  },
  { method: 'DELETE', path: one, since, policy: type('delete'), status: 202, operation: deleteGroupType },
  { method: 'GET', path: specs, since, policy: rule('get_all'), status: 200, operation: listGroupSpecs },
  {
    method: 'POST',
    path: specs,
    since,
    policy: rule('create'),
    body: schema.specsBody,
    status: 202,
    operation: createGroupSpecs,
  },
  { method: 'GET', path: spec, since, policy: rule('get'), status: 200, operation: showGroupSpec },
  {
    method: 'PUT',
    path: spec,
    since,
    policy: rule('update'),
    body: schema.specBody,
    status: 200,
    operation: updateGroupSpec,
  },
  { method: 'DELETE', path: spec, since, policy: rule('delete'), status: 202, operation: removeGroupSpec },
]
