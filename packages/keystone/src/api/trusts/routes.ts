import type { IdentityRoute, Target } from '../guard.ts'
import { createTrust } from './create.ts'
import { deleteTrust } from './delete.ts'
import { listTrustRoles, listTrusts, showTrust, showTrustRole, trustTarget } from './read.ts'
import * as schema from './schema.ts'

const bodyTrust: Target = async ({ body }) => ({ trust: (body as { trust: object }).trust })
const one = { path: '/OS-TRUST/trusts/:trust_id', target: trustTarget }

export const routes: IdentityRoute[] = [
  {
    method: 'POST',
    path: '/OS-TRUST/trusts',
    policy: 'identity:create_trust',
    target: bodyTrust,
    body: schema.createTrust,
    status: 201,
    operation: createTrust,
  },
  // The operation checks the policy, which depends on the filters.
  {
    method: ['GET', 'HEAD'],
    path: '/OS-TRUST/trusts',
    policy: 'identity:token_required',
    status: 200,
    operation: listTrusts,
  },
  { method: ['GET', 'HEAD'], ...one, policy: 'identity:get_trust', status: 200, operation: showTrust },
  { method: 'DELETE', ...one, policy: 'identity:delete_trust', status: 204, operation: deleteTrust },
  {
    method: ['GET', 'HEAD'],
    path: `${one.path}/roles`,
    target: trustTarget,
    policy: 'identity:list_roles_for_trust',
    status: 200,
    operation: listTrustRoles,
  },
  {
    method: ['GET', 'HEAD'],
    path: `${one.path}/roles/:role_id`,
    target: trustTarget,
    policy: 'identity:get_role_for_trust',
    status: 200,
    operation: showTrustRole,
  },
]
