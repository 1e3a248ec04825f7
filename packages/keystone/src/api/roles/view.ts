import type { Role } from '../../model/roles/store.ts'
import { type Body, member } from '../links.ts'

/** Returns the view of a role. */
export function viewRole(role: Role, base: string): Body {
  const { id, name, domainId, description, options } = role
  return member(base, 'roles', { ...role.extra, id, name, domain_id: domainId, description, options })
}
