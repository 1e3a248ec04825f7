import { nameOf, textOrNull, wrapped } from '../shapes.ts'

const filters = {
  type: 'object',
  minProperties: 1,
  properties: {
    interface: { type: 'string', enum: ['admin', 'internal', 'public'] },
    service_id: { type: 'string' },
    region_id: { type: 'string' },
    enabled: { type: 'boolean' },
  },
  additionalProperties: false,
}

const fields = { name: nameOf(255), description: textOrNull, filters }

export const createEndpointGroup = wrapped('endpoint_group', fields, ['name', 'filters'])
export const updateEndpointGroup = wrapped('endpoint_group', fields)

export interface EndpointGroupInput {
  name?: string
  description?: string | null
  filters?: Record<string, unknown>
}
