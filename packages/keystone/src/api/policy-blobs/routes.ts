import type { IdentityRoute } from '../guard.ts'
import { createPolicy } from './create.ts'
import { deletePolicy } from './delete.ts'
import { listPolicies, showPolicy } from './read.ts'
import * as schema from './schema.ts'
import { updatePolicy } from './update.ts'

const all = '/policies'
const one = `${all}/:policy_id`

export const routes: IdentityRoute[] = [
  { method: ['GET', 'HEAD'], path: all, policy: 'identity:list_policies', status: 200, operation: listPolicies },
  {
    method: 'POST',
    path: all,
    policy: 'identity:create_policy',
    body: schema.createPolicy,
    status: 201,
    operation: createPolicy,
  },
  { method: ['GET', 'HEAD'], path: one, policy: 'identity:get_policy', status: 200, operation: showPolicy },
  {
    method: 'PATCH',
    path: one,
    policy: 'identity:update_policy',
    body: schema.updatePolicy,
    status: 200,
    operation: updatePolicy,
  },
  { method: 'DELETE', path: one, policy: 'identity:delete_policy', status: 204, operation: deletePolicy },
]
