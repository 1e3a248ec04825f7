import type { Database } from '@hearth/database'
import type { Route } from '@hearth/http'
import { listZones } from './list.ts'

export const availabilityZoneRoutes: Route<{ database: Database }>[] = [
  {
    method: 'GET',
    path: '/os-availability-zone',
    policy: 'volume:list_availability_zones',
    status: 200,
    operation: listZones,
  },
]
