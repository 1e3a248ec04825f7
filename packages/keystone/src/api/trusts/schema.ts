import { boolean, id, idOrNull, nameOf, textOrNull, wrapped } from '../shapes.ts'

const role = {
  type: 'object',
  properties: { id, name: nameOf(255) },
  anyOf: [{ required: ['id'] }, { required: ['name'] }],
}

export const createTrust = wrapped(
  'trust',
  {
    trustor_user_id: id,
    trustee_user_id: id,
    impersonation: boolean,
    project_id: idOrNull,
    remaining_uses: { type: ['integer', 'null'], minimum: 1 },
    expires_at: textOrNull,
    allow_redelegation: { type: ['boolean', 'null'] },
    redelegation_count: { type: ['integer', 'null'], minimum: 0 },
    roles: { type: 'array', items: role },
  },
  ['trustor_user_id', 'trustee_user_id', 'impersonation'],
)

export interface TrustInput {
  trustor_user_id: string
  trustee_user_id: string
  impersonation: boolean
  project_id?: string | null
  remaining_uses?: number | null
  expires_at?: string | null
  roles?: { id?: string; name?: string }[]
}
