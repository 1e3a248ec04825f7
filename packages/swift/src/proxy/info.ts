import type { SwiftResponse } from '../model/response.ts'
import type { ProxyDeps } from './deps.ts'

/** Returns the features and limits of the cluster. */
export function info(deps: ProxyDeps): SwiftResponse {
  const swift = {
    version: '2.38.0',
    policies: [{ name: deps.policyName, aliases: deps.policyName, default: true }],
    account_autocreate: true,
    allow_account_management: deps.allowAccountManagement,
    allow_open_expired: false,
    strict_cors_mode: true,
    ...deps.limits,
  }
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    body: JSON.stringify({ swift, crossdomain: {}, ...deps.capabilities }),
  }
}
