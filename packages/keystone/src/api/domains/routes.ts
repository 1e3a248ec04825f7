import type { IdentityRoute } from '../guard.ts'
import { domainTarget } from '../targets.ts'
import { createDomain } from './create.ts'
import { deleteDomain } from './delete.ts'
import { listDomains } from './list.ts'
import * as schema from './schema.ts'
import { showDomain } from './show.ts'
import { updateDomain } from './update.ts'

const one = { path: '/domains/:domain_id', target: domainTarget }

export const routes: IdentityRoute[] = [
  { method: ['GET', 'HEAD'], path: '/domains', policy: 'identity:list_domains', status: 200, operation: listDomains },
  {
    method: 'POST',
    path: '/domains',
    policy: 'identity:create_domain',
    body: schema.createDomain,
    status: 201,
    operation: createDomain,
  },
  { method: ['GET', 'HEAD'], ...one, policy: 'identity:get_domain', status: 200, operation: showDomain },
  {
    method: 'PATCH',
    ...one,
    policy: 'identity:update_domain',
    body: schema.updateDomain,
    status: 200,
    operation: updateDomain,
  },
  { method: 'DELETE', ...one, policy: 'identity:delete_domain', status: 204, operation: deleteDomain },
]
