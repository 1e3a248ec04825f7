import type { Route } from '@hearth/http'
import { listResourceFilters } from './list.ts'

export const resourceFilterRoutes: Route<unknown>[] = [
  {
    method: 'GET',
    path: '/resource_filters',
    since: '3.33',
    policy: 'volume:list_resource_filters',
    status: 200,
    operation: listResourceFilters,
  },
]
