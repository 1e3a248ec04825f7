import { userOptions } from '../login/options-schema.ts'
import { boolean, idOrNull, nameOf, text, textOrNull, wrapped } from '../shapes.ts'

const fields = {
  name: nameOf(255),
  domain_id: idOrNull,
  enabled: boolean,
  default_project_id: idOrNull,
  password: { type: ['string', 'null'] },
  description: textOrNull,
  options: userOptions,
}

export const createUser = wrapped('user', fields, ['name'])
export const updateUser = wrapped('user', fields)
export const changePassword = wrapped('user', { original_password: text, password: text }, [
  'original_password',
  'password',
])

/** Attributes with their own columns; all others are stored as they are. */
export const known = ['id', 'name', 'domain_id', 'enabled', 'default_project_id', 'password', 'options'] as const

export interface UserInput {
  name?: string
  domain_id?: string | null
  enabled?: boolean
  default_project_id?: string | null
  password?: string | null
  options?: Record<string, unknown>
  [extra: string]: unknown
}
