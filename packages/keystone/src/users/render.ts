import { type Body, member } from '../links.ts'
import type { User } from './store.ts'

export function renderUser(user: User, base: string): Body {
  return member(base, 'users', {
    ...user.extra,
    id: user.id,
    name: user.name,
    domain_id: user.domainId,
    enabled: user.enabled,
    ...(user.defaultProjectId === null ? {} : { default_project_id: user.defaultProjectId }),
    password_expires_at: null,
    options: user.options,
  })
}
