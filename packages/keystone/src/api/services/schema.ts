import { boolean, nameOf, textOrNull, wrapped } from '../shapes.ts'

const fields = {
  type: nameOf(255),
  name: { type: ['string', 'null'], maxLength: 255 },
  description: textOrNull,
  enabled: boolean,
}

export const createService = wrapped('service', fields, ['type'])
export const updateService = wrapped('service', fields)

export const known = ['id', 'type', 'enabled'] as const

export interface ServiceInput {
  type?: string
  name?: string
  enabled?: boolean
  [extra: string]: unknown
}
