import type { Database } from '@hearth/database'
import type { Route } from '@hearth/http'
import { showLimits } from './show.ts'

export const limitRoutes: Route<{ database: Database }>[] = [
  { method: 'GET', path: '/limits', policy: 'limits_extension:used_limits', status: 200, operation: showLimits },
]
