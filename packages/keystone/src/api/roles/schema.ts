import { idOrNull, nameOf, object, textOrNull, wrapped } from '../shapes.ts'

const fields = { name: nameOf(255), domain_id: idOrNull, description: textOrNull, options: object }

export const createRole = wrapped('role', fields, ['name'])
export const updateRole = wrapped('role', fields)

export const known = ['id', 'name', 'domain_id', 'description', 'options'] as const

export interface RoleInput {
  name?: string
  domain_id?: string | null
  description?: string | null
  options?: Record<string, unknown>
  [extra: string]: unknown
}
