import type { Route } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { addTag, deleteTag } from './tags.ts'

export const tagRoutes: Route<ApiDeps>[] = [
  { method: 'PUT', path: '/images/:image_id/tags/:tag', policy: 'modify_image', status: 204, operation: addTag },
  { method: 'DELETE', path: '/images/:image_id/tags/:tag', policy: 'modify_image', status: 204, operation: deleteTag },
]
