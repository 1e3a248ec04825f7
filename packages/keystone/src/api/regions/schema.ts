import { textOrNull, wrapped } from '../shapes.ts'

const fields = {
  id: { type: 'string', maxLength: 255 },
  description: textOrNull,
  parent_region_id: { type: ['string', 'null'], maxLength: 255 },
}

export const createRegion = wrapped('region', fields)
export const updateRegion = wrapped('region', fields)

export const known = ['id', 'description', 'parent_region_id'] as const

export interface RegionInput {
  id?: string
  description?: string | null
  parent_region_id?: string | null
  [extra: string]: unknown
}
