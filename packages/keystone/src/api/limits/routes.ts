import type { IdentityRoute } from '../guard.ts'
import { createLimits, deleteLimit, limitTarget, listLimits, showLimit, showModel, updateLimit } from './limits.ts'
import {
  createRegisteredLimits,
  deleteRegisteredLimit,
  listRegisteredLimits,
  showRegisteredLimit,
  updateRegisteredLimit,
} from './registered.ts'
import * as schema from './schema.ts'

const registered = '/registered_limits/:registered_limit_id'
const limit = '/limits/:limit_id'

/** Returns a route of a read operation. */
function reading(path: string, policy: string, operation: IdentityRoute['operation']): IdentityRoute {
  return { method: ['GET', 'HEAD'], path, policy, status: 200, operation }
}

export const routes: IdentityRoute[] = [
  reading('/registered_limits', 'identity:list_registered_limits', listRegisteredLimits),
  {
    method: 'POST',
    path: '/registered_limits',
    policy: 'identity:create_registered_limits',
    body: schema.createRegistered,
    status: 201,
    operation: createRegisteredLimits,
  },
  reading(registered, 'identity:get_registered_limit', showRegisteredLimit),
  {
    method: 'PATCH',
    path: registered,
    policy: 'identity:update_registered_limit',
    body: schema.updateRegistered,
    status: 200,
    operation: updateRegisteredLimit,
  },
  {
    method: 'DELETE',
    path: registered,
    policy: 'identity:delete_registered_limit',
    status: 204,
    operation: deleteRegisteredLimit,
  },
  reading('/limits/model', 'identity:get_limit_model', showModel),
  reading('/limits', 'identity:list_limits', listLimits),
  {
    method: 'POST',
    path: '/limits',
    policy: 'identity:create_limits',
    body: schema.createLimits,
    status: 201,
    operation: createLimits,
  },
  { ...reading(limit, 'identity:get_limit', showLimit), target: limitTarget },
  {
    method: 'PATCH',
    path: limit,
    policy: 'identity:update_limit',
    body: schema.updateLimit,
    status: 200,
    operation: updateLimit,
  },
  { method: 'DELETE', path: limit, policy: 'identity:delete_limit', status: 204, operation: deleteLimit },
]
