import type { Authenticator } from '@hearth/auth'
import type { Logger } from '@hearth/core'
import type { TimestampSource } from '../model/timestamps.ts'
import type { Cluster } from '../placement/cluster.ts'
import type { Limits } from './limits.ts'

/** Dependencies of the operations and features of the proxy. */
export interface ProxyDeps {
  cluster: Cluster
  authenticator: Authenticator
  timestamps: TimestampSource
  limits: Limits
  /** Name of the one storage policy. */
  policyName: string
  /** Roles whose holders own their project's account. */
  operatorRoles: string[]
  /** Role whose holders own every account. */
  resellerAdminRole: string
  /** Account names are this and the project's id. */
  accountPrefix: string
  /** Whether reseller administrators may create and delete accounts. */
  allowAccountManagement: boolean
  /** Where a 401 sends the client for a token. */
  authUrl: string
  /** Section of each feature in /info. */
  capabilities: Record<string, unknown>
  log: Logger
}
