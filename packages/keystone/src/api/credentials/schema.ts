import { idOrNull, nameOf, text, wrapped } from '../shapes.ts'

const fields = { blob: { type: ['string', 'object'] }, type: nameOf(255), user_id: text, project_id: idOrNull }

export const createCredential = wrapped('credential', fields, ['blob', 'type'])
export const updateCredential = wrapped('credential', fields)

export const known = ['id', 'blob', 'type', 'user_id', 'project_id'] as const

export interface CredentialInput {
  blob?: string | Record<string, unknown>
  type?: string
  user_id?: string
  project_id?: string | null
  [extra: string]: unknown
}
