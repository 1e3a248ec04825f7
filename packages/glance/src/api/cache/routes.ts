import type { Route } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import {
  cleanCache,
  clearCache,
  listCache,
  listCacheNodes,
  pruneCache,
  queueForCache,
  removeFromCache,
} from './operations.ts'

export const cacheRoutes: Route<ApiDeps>[] = [
  { method: 'GET', path: '/cache', policy: 'cache_list', status: 200, operation: listCache },
  { method: 'DELETE', path: '/cache', policy: 'cache_delete', status: 204, operation: clearCache },
  { method: 'PUT', path: '/cache/:image_id', policy: 'cache_image', status: 202, operation: queueForCache },
  { method: 'DELETE', path: '/cache/:image_id', policy: 'cache_delete', status: 204, operation: removeFromCache },
  { method: 'GET', path: '/cache/nodes/:image_id', policy: 'cache_list', status: 200, operation: listCacheNodes },
  { method: 'POST', path: '/cache/prune', policy: 'cache_delete', status: 200, operation: pruneCache },
  { method: 'POST', path: '/cache/clean', policy: 'cache_delete', status: 200, operation: cleanCache },
]
