import type { Identity } from '@hearth/core'
import { answer, type SwiftResponse } from '../../../model/response.ts'
import { accountDomain } from '../../accounts/project-domain.ts'
import type { ProxyDeps } from '../../deps.ts'
import type { Access, SwiftRequest } from '../../request.ts'
import { type ParsedAcl, parseAcl, referrerAllowed } from './acl.ts'

type Rules = Pick<ProxyDeps, 'operatorRoles' | 'resellerAdminRole' | 'accountPrefix' | 'authUrl' | 'cluster'>

/**
 * Decides like Swift's keystoneauth: reseller administrators may do everything, and so may owners of the account, who
 * hold an operator role in its project; then the container's access list decides. Returns the refusal or null, and
 * marks owners in the request.
 */
export async function authorize(request: SwiftRequest, access: Access, rules: Rules): Promise<SwiftResponse | null> {
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
  if (namedById(identity, acl) || referred) return null
  if (namedByName(identity, acl) && (await namesCount(request, identity, owns, rules))) return null
  const byRole = owns && referred === null && acl.groups.some((group) => roles.includes(group.toLowerCase()))
  return byRole ? null : denied(request, rules)
}

/** True and false are decisions; null when the list does not name this referrer. */
function byReferrer(request: SwiftRequest, acl: ParsedAcl): boolean | null {
  if (!referrerAllowed(request.headers.referer, acl.referrers)) return null
  return request.object !== null || acl.groups.includes('.rlistings')
}

const inAcl = (acl: ParsedAcl, projects: (string | null)[], users: string[]): boolean =>
  projects.some((project) => users.some((user) => acl.groups.includes(`${project}:${user}`)))

/** `project:user` by id; `*` fits any. */
const namedById = (identity: Identity, acl: ParsedAcl): boolean =>
  inAcl(acl, [identity.projectId, '*'], [identity.userId, '*'])

const namedByName = ({ projectId, projectName, userId, userName }: Identity, acl: ParsedAcl): boolean =>
  inAcl(acl, [projectId, projectName, '*'], [userId, userName, '*'])

/**
 * Returns true when names count in the access list: user, project of the user and project of the account are all in the
 * default domain. Accounts without a recorded domain count as such. From keystoneauth.py, _is_name_allowed_in_acl.
 */
async function namesCount(request: SwiftRequest, identity: Identity, owns: boolean, rules: Rules): Promise<boolean> {
  if (identity.userDomainId !== 'default' || identity.projectDomainId !== 'default') return false
  if (owns) return true
  const { exists, domain } = await accountDomain(rules, request.account)
  return exists && (domain === null || domain === 'default')
}

function denied(request: SwiftRequest, rules: Rules): SwiftResponse {
  if (request.identity) return answer(403)
  const realm = `Swift realm="${encodeURIComponent(request.account)}"`
  const keystone = rules.authUrl === '' ? '' : `, Keystone uri="${rules.authUrl}"`
  return answer(401, { headers: { 'www-authenticate': `${realm}${keystone}` } })
}
