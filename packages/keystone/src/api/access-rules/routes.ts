import type { IdentityRoute } from '../guard.ts'
import { deleteAccessRule } from './delete.ts'
import { listAccessRules, showAccessRule } from './read.ts'

const all = '/users/:user_id/access_rules'
const one = `${all}/:access_rule_id`

export const routes: IdentityRoute[] = [
  { method: ['GET', 'HEAD'], path: all, policy: 'identity:list_access_rules', status: 200, operation: listAccessRules },
  { method: ['GET', 'HEAD'], path: one, policy: 'identity:get_access_rule', status: 200, operation: showAccessRule },
  { method: 'DELETE', path: one, policy: 'identity:delete_access_rule', status: 204, operation: deleteAccessRule },
]
