import { type Context, own } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { forbidden } from '../../model/errors.ts'
import { getDomain } from '../domains/show.ts'
import type { Body } from '../links.ts'

/**
 * GET /domains/{domain_id}/config/security_compliance and …/{option}: the requirements for passwords, for every user
 * with a token. Throws Forbidden (403) for other domains and options (keystone/resource/core.py,
 * get_security_compliance_config).
 */
export async function showCompliance(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const { domain_id, option } = request.params as { domain_id: string; option?: string }
  await getDomain(deps.database.query, domain_id)
  if (domain_id !== 'default')
    throw forbidden('Cannot get a domain configuration of security_compliance for a domain other than the default.')
  const { passwordRegex, passwordRegexDescription } = deps.compliance
  const shown: Body = { password_regex: passwordRegex, password_regex_description: passwordRegexDescription }
  if (option === undefined) return { config: { security_compliance: shown } }
  if (!Object.hasOwn(shown, option)) throw forbidden(`option ${option} in group security_compliance is not supported.`)
  return { config: { [option]: own(shown, option) } }
}
