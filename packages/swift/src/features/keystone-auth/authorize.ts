import type { Identity } from '@hearth/core'
import type { ProxyDeps } from '../../deps.ts'
import type { Access, SwiftRequest } from '../../request.ts'
import { answer, type SwiftResponse } from '../../response.ts'
import { type ParsedAcl, parseAcl, referrerAllowed } from './acl.ts'

type Rules = Pick<ProxyDeps, 'operatorRoles' | 'resellerAdminRole' | 'accountPrefix' | 'authUrl'>

/**
 * Decides as Swift's keystoneauth does: reseller administrators may do everything; so may the owner of the account, who holds an
 * operator role in its project; then the container's access list decides. Answers the refusal or null, and marks owners in the request.
 */
export function authorize(request: SwiftRequest, access: Access, rules: Rules): SwiftResponse | null {
  request.owner = false
  request.reseller = false
  if (request.method === 'OPTIONS') return null
  const acl = parseAcl(access.acl)
  const { identity } = request
  const referred = byReferrer(request, acl)
  if (!identity) return referred && request.account.startsWith(rules.accountPrefix) ? null : denied(request, rules)
  const roles = identity.roles.map((role) => role.toLowerCase())
  if (roles.includes(rules.resellerAdminRole.toLowerCase())) {
    request.owner = true
    request.reseller = true
    return null
  }
  if (request.container === null && request.method === 'DELETE') return denied(request, rules)
  const owns = request.account === `${rules.accountPrefix}${identity.projectId}`
  if (owns && rules.operatorRoles.some((role) => roles.includes(role.toLowerCase()))) {
    request.owner = true
    return null
  }
  if (namedInAcl(identity, acl) || referred) return null
  const byRole = owns && referred === null && acl.groups.some((group) => roles.includes(group.toLowerCase()))
  return byRole ? null : denied(request, rules)
}

/** True and false are decisions; null when the list does not name this referrer. */
function byReferrer(request: SwiftRequest, acl: ParsedAcl): boolean | null {
  if (!referrerAllowed(request.headers.referer, acl.referrers)) return null
  return request.object !== null || acl.groups.includes('.rlistings')
}

/** `project:user` by id, or by name in the default domain, where names cannot be taken by others; `*` fits any. */
function namedInAcl(identity: Identity, acl: ParsedAcl): boolean {
  const byName = identity.userDomainId === 'default' && identity.projectDomainId === 'default'
  const projects = [identity.projectId, '*', ...(byName ? [identity.projectName] : [])]
  const users = [identity.userId, '*', ...(byName ? [identity.userName] : [])]
  return projects.some((project) => users.some((user) => acl.groups.includes(`${project}:${user}`)))
}

function denied(request: SwiftRequest, rules: Rules): SwiftResponse {
  if (request.identity) return answer(403)
  const realm = `Swift realm="${encodeURIComponent(request.account)}"`
  const keystone = rules.authUrl === '' ? '' : `, Keystone uri="${rules.authUrl}"`
  return answer(401, { headers: { 'www-authenticate': `${realm}${keystone}` } })
}
