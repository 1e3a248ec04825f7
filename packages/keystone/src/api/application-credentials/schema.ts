import { boolean, id, nameOf, textOrNull, wrapped } from '../shapes.ts'

const maxRules = 40

const rule = {
  type: 'object',
  properties: {
    id: { type: 'string', minLength: 1 },
    service: nameOf(64),
    method: { type: 'string', enum: ['HEAD', 'OPTIONS', 'GET', 'PUT', 'POST', 'PATCH', 'DELETE'] },
    path: { type: 'string', minLength: 1, maxLength: 128, pattern: '^/.*' },
  },
  anyOf: [{ required: ['id'] }, { required: ['service', 'method', 'path'] }],
  additionalProperties: false,
}

const role = {
  type: 'object',
  properties: { id, name: nameOf(255) },
  anyOf: [{ required: ['id'] }, { required: ['name'] }],
}

export const createAppCredential = wrapped(
  'application_credential',
  {
    name: nameOf(255),
    description: textOrNull,
    secret: textOrNull,
    expires_at: textOrNull,
    roles: { type: 'array', items: role },
    unrestricted: { ...boolean, type: ['boolean', 'null'] },
    access_rules: { type: ['array', 'null'], items: rule, maxItems: maxRules },
  },
  ['name'],
)

export interface AppCredentialInput {
  name: string
  description?: string | null
  secret?: string | null
  expires_at?: string | null
  roles?: { id?: string; name?: string }[]
  unrestricted?: boolean | null
  access_rules?: { id?: string; service?: string; method?: string; path?: string }[] | null
}
