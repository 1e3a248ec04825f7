import type { IdentityRoute } from '../guard.ts'
import { createEndpoint } from './create.ts'
import { deleteEndpoint } from './delete.ts'
import { listEndpoints, showEndpoint } from './read.ts'
import * as schema from './schema.ts'
import { updateEndpoint } from './update.ts'

const all = '/endpoints'
const one = `${all}/:endpoint_id`

export const routes: IdentityRoute[] = [
  { method: ['GET', 'HEAD'], path: all, policy: 'identity:list_endpoints', status: 200, operation: listEndpoints },
  {
    method: 'POST',
    path: all,
    policy: 'identity:create_endpoint',
    body: schema.createEndpoint,
    status: 201,
    operation: createEndpoint,
  },
  { method: ['GET', 'HEAD'], path: one, policy: 'identity:get_endpoint', status: 200, operation: showEndpoint },
  {
    method: 'PATCH',
    path: one,
    policy: 'identity:update_endpoint',
    body: schema.updateEndpoint,
    status: 200,
    operation: updateEndpoint,
  },
  { method: 'DELETE', path: one, policy: 'identity:delete_endpoint', status: 204, operation: deleteEndpoint },
]
