import type { Route } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { importImage } from './import.ts'
import { stageImage } from './stage.ts'

const importBody = {
  type: 'object',
  properties: {
    method: {
      type: 'object',
      properties: {
        name: { type: 'string' },
        uri: { type: 'string' },
        glance_image_id: { type: 'string' },
        glance_region: { type: 'string' },
        glance_service_interface: { type: 'string' },
      },
      required: ['name'],
    },
    stores: { type: 'array', items: { type: 'string' }, minItems: 1 },
    all_stores: { type: 'boolean' },
    all_stores_must_succeed: { type: 'boolean' },
  },
  required: ['method'],
}

export const importRoutes: Route<ApiDeps>[] = [
  {
    method: 'PUT',
    path: '/images/:image_id/stage',
    policy: 'upload_image',
    stream: true,
    status: 204,
    operation: stageImage,
  },
  {
    method: 'POST',
    path: '/images/:image_id/import',
    policy: 'modify_image',
    body: importBody,
    status: 202,
    operation: importImage,
  },
]
