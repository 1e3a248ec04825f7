import { boolean, text, wrapped } from '../shapes.ts'

const region = { type: ['string', 'null'], maxLength: 255 }

const fields = {
  interface: { type: 'string', enum: ['admin', 'internal', 'public'] },
  service_id: text,
  url: { type: 'string', minLength: 1 },
  region_id: region,
  region,
  enabled: boolean,
}

export const createEndpoint = wrapped('endpoint', fields, ['interface', 'service_id', 'url'])
export const updateEndpoint = wrapped('endpoint', fields)

export const known = ['id', 'interface', 'service_id', 'url', 'region', 'region_id', 'enabled'] as const

export interface EndpointInput {
  interface?: string
  service_id?: string
  url?: string
  region_id?: string | null
  /** Older name of `region_id`; a missing region is created. */
  region?: string | null
  enabled?: boolean
  [extra: string]: unknown
}
