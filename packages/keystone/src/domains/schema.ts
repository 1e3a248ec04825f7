import { tags } from '../projects/schema.ts'
import { boolean, id, nameOf, object, textOrNull, wrapped } from '../shapes.ts'

const fields = { name: nameOf(64), description: textOrNull, enabled: boolean, tags, options: object }

export const createDomain = wrapped('domain', { ...fields, explicit_domain_id: id }, ['name'])
export const updateDomain = wrapped('domain', fields)

export const known = ['id', 'name', 'description', 'enabled', 'tags', 'options', 'explicit_domain_id'] as const

export interface DomainInput {
  name?: string
  description?: string | null
  enabled?: boolean
  tags?: string[]
  options?: Record<string, unknown>
  explicit_domain_id?: string
  [extra: string]: unknown
}
