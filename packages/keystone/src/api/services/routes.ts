import type { IdentityRoute } from '../guard.ts'
import { createService } from './create.ts'
import { deleteService } from './delete.ts'
import { listServices, showService } from './read.ts'
import * as schema from './schema.ts'
import { updateService } from './update.ts'

const all = '/services'
const one = `${all}/:service_id`

export const routes: IdentityRoute[] = [
  { method: ['GET', 'HEAD'], path: all, policy: 'identity:list_services', status: 200, operation: listServices },
  {
    method: 'POST',
    path: all,
    policy: 'identity:create_service',
    body: schema.createService,
    status: 201,
    operation: createService,
  },
  { method: ['GET', 'HEAD'], path: one, policy: 'identity:get_service', status: 200, operation: showService },
  {
    method: 'PATCH',
    path: one,
    policy: 'identity:update_service',
    body: schema.updateService,
    status: 200,
    operation: updateService,
  },
  { method: 'DELETE', path: one, policy: 'identity:delete_service', status: 204, operation: deleteService },
]
