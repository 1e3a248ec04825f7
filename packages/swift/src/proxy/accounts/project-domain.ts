import type { Account, TimedMetadata } from '../../storage/records/operations.ts'
import { findAccount, isDeleted, metadataOf } from '../containers/info.ts'
import type { ProxyDeps } from '../deps.ts'
import type { SwiftRequest } from '../request.ts'

/** Header in which an account keeps the domain of its project; clients see it as X-Account-Project-Domain-Id. */
export const projectDomainHeader = 'x-account-sysmeta-project-domain-id'
/** Kept when somebody else than the project made the account. */
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
 * What a request that makes or changes an account records of its project's domain, which only the project's own tokens tell. An
 * unknown domain is replaced later; a domain that is known never is. From keystoneauth.py, _set_project_domain_id.
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
