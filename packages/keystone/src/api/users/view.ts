import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { isInactive } from '../../model/login/lockout.ts'
import { writeMicros } from '../../model/times.ts'
import type { User } from '../../model/users/store.ts'
import { type Body, baseOf, member } from '../links.ts'

/** Returns the view of a user. An inactive user is shown as disabled. */
export function viewUser(user: User, request: ApiRequest, deps: Deps): Body {
  return member(baseOf(request, deps.publicUrl), 'users', {
    ...user.extra,
    id: user.id,
    name: user.name,
    domain_id: user.domainId,
    enabled: user.enabled && !isInactive(user, deps),
    ...(user.defaultProjectId === null ? {} : { default_project_id: user.defaultProjectId }),
    password_expires_at: expiryText(user),
    options: user.options,
  })
}

/** Returns the expiry of the password as users and tokens show it; null: never. */
export const expiryText = ({ passwordExpiresAt }: Pick<User, 'passwordExpiresAt'>): string | null =>
  passwordExpiresAt === null ? null : writeMicros(passwordExpiresAt * 1000)
