import type { Account, TimedMetadata } from '../../storage/records/operations.ts'
import { findAccount, isDeleted, metadataOf } from '../containers/info.ts'
import type { ProxyDeps } from '../deps.ts'
import type { SwiftRequest } from '../request.ts'

/** Header in which an account keeps the domain of its project; clients see it as X-Account-Project-Domain-Id. */
export const projectDomainHeader = 'x-account-sysmeta-project-domain-id'
/** Value for accounts that were created by a caller of another project. */
export const unknownDomain = '_unknown'

/** The domain of an account's project; null when none was recorded. */
export async function accountDomain(
  deps: Pick<ProxyDeps, 'cluster'>,
  name: string,
): Promise<{ exists: boolean; domain: string | null }> {
  const account = await findAccount(deps, name)
  return { exists: account !== null && !isDeleted(account), domain: metadataOf(account, projectDomainHeader) }
}

/**
 * Returns the project's domain to record when a request creates or changes an account; only tokens of the project
 * itself carry it. An unknown domain is replaced later, a known one never. From keystoneauth.py,
 * _set_project_domain_id.
 */
export function domainChange(
  request: SwiftRequest,
  account: Account | null,
  deps: Pick<ProxyDeps, 'accountPrefix' | 'timestamps'>,
): TimedMetadata {
  const { identity } = request
  const owns = identity !== null && request.account === `${deps.accountPrefix}${identity.projectId}`
  const told = owns ? identity.projectDomainId : null
  const known = metadataOf(account, projectDomainHeader)
  const record = (domain: string): TimedMetadata => ({ [projectDomainHeader]: [domain, deps.timestamps.next()] })
  if (account === null) return record(told ?? unknownDomain)
  if (known === null && told === 'default') return record(told)
  if (known === unknownDomain && told !== null) return record(told)
  return {}
}
