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
