import { boolean, idOrNull, nameOf, object, textOrNull, wrapped } from '../shapes.ts'

export const tag = { type: 'string', minLength: 1, maxLength: 255, pattern: '^[^,/]*$' }
export const tags = { type: 'array', items: tag, maxItems: 80 }

const fields = {
  name: nameOf(64),
  domain_id: idOrNull,
  parent_id: idOrNull,
  description: textOrNull,
  enabled: boolean,
  is_domain: boolean,
  tags,
  options: object,
}

export const createProject = wrapped('project', fields, ['name'])
export const updateProject = wrapped('project', fields)
export const replaceTags = { type: 'object', required: ['tags'], properties: { tags } }

export const known = [
  'id',
  'name',
  'domain_id',
  'parent_id',
  'description',
  'enabled',
  'is_domain',
  'tags',
  'options',
] as const

export interface ProjectInput {
  name?: string
  domain_id?: string | null
  parent_id?: string | null
  description?: string | null
  enabled?: boolean
  is_domain?: boolean
  tags?: string[]
  options?: Record<string, unknown>
  [extra: string]: unknown
}
