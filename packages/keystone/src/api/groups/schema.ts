import { idOrNull, nameOf, textOrNull, wrapped } from '../shapes.ts'

const fields = { name: nameOf(64), domain_id: idOrNull, description: textOrNull }

export const createGroup = wrapped('group', fields, ['name'])
export const updateGroup = wrapped('group', fields)

export const known = ['id', 'name', 'domain_id', 'description'] as const

export interface GroupInput {
  name?: string
  domain_id?: string | null
  description?: string | null
  [extra: string]: unknown
}
