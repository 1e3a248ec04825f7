import type { IdentityRoute } from '../guard.ts'
import { createRegion } from './create.ts'
import { deleteRegion } from './delete.ts'
import { listRegions, showRegion } from './read.ts'
import * as schema from './schema.ts'
import { updateRegion } from './update.ts'

const path = '/regions/:region_id'
const creating = { policy: 'identity:create_region', body: schema.createRegion, status: 201, operation: createRegion }

export const routes: IdentityRoute[] = [
  { method: ['GET', 'HEAD'], path: '/regions', policy: 'identity:list_regions', status: 200, operation: listRegions },
  { method: 'POST', path: '/regions', ...creating },
  { method: 'PUT', path, ...creating },
  { method: ['GET', 'HEAD'], path, policy: 'identity:get_region', status: 200, operation: showRegion },
  {
    method: 'PATCH',
    path,
    policy: 'identity:update_region',
    body: schema.updateRegion,
    status: 200,
    operation: updateRegion,
  },
  { method: 'DELETE', path, policy: 'identity:delete_region', status: 204, operation: deleteRegion },
]
