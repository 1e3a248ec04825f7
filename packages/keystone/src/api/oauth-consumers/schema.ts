import { textOrNull, wrapped } from '../shapes.ts'

const fields = { description: textOrNull }

export const createConsumer = wrapped('consumer', fields)
export const updateConsumer = wrapped('consumer', fields)

export const known = ['id', 'description', 'secret'] as const

export interface ConsumerInput {
  description?: string | null
  secret?: string
  [extra: string]: unknown
}
