import { nameOf, text, wrapped } from '../shapes.ts'

const fields = { type: nameOf(255), blob: text }

export const createPolicy = wrapped('policy', fields, ['type', 'blob'])
export const updatePolicy = wrapped('policy', fields)

export const known = ['id', 'type', 'blob'] as const

export interface PolicyInput {
  type?: string
  blob?: string
  [extra: string]: unknown
}
