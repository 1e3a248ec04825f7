import type { Route } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { deleteCopy } from './delete-copy.ts'

export const storeRoutes: Route<ApiDeps>[] = [
  {
    method: 'DELETE',
    path: '/stores/:store/:image_id',
    policy: 'delete_image_location',
    status: 204,
    operation: deleteCopy,
  },
]
