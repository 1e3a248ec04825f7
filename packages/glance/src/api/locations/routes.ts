import type { Route } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { addFirstLocation } from './add.ts'
import { listLocations } from './list.ts'

const body = {
  type: 'object',
  properties: {
    url: { type: 'string', maxLength: 2048 },
    validation_data: {
      type: 'object',
      properties: { os_hash_algo: { type: 'string' }, os_hash_value: { type: 'string' } },
      additionalProperties: false,
    },
  },
  required: ['url'],
}

export const locationRoutes: Route<ApiDeps>[] = [
  {
    method: 'POST',
    path: '/images/:image_id/locations',
    policy: 'add_image_location',
    body,
    status: 202,
    operation: addFirstLocation,
  },
  {
    method: 'GET',
    path: '/images/:image_id/locations',
    policy: 'fetch_image_location',
    status: 200,
    operation: listLocations,
  },
]
