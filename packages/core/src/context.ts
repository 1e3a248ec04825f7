import type { Logger } from './log.ts'

/** The caller of a request, as proven by a token. */
export interface Identity {
  userId: string
  userName: string
  userDomainId: string
  userDomainName: string
  /** Null in tokens without a project scope. */
  projectId: string | null
  projectName: string | null
  projectDomainId: string | null
  projectDomainName: string | null
  domainId: string | null
  domainName: string | null
  /** True for a token scoped to the whole system. */
  system: boolean
  /** Role names with implied roles already expanded. */
  roles: string[]
  methods: string[]
  auditIds: string[]
  /** Milliseconds since the epoch. */
  issuedAt: number
  expiresAt: number
  appCredentialId: string | null
  accessRules: AccessRule[] | null
  /** Number of the last revocation when the token was issued: only later ones void it. Absent in foreign tokens. */
  revision?: number
}

/** A call that an application credential allows: `path` takes `*`, `**` and `{name}`. */
export interface AccessRule {
  id?: string
  service: string
  method: string
  path: string
}

/** Checks policies for one caller. `target` holds the attributes a rule may compare with, e.g. `project_id`. */
type PolicyCheck = (rule: string, target?: Record<string, unknown>) => boolean

/** Data of one request that every layer receives. */
export interface Context {
  requestId: string
  /** Null where the operation may be called without a token. */
  identity: Identity | null
  /** The token as it was sent, to be passed on to other services; never logged. */
  token: string | null
  /** Roles of the X-Service-Token, empty without one. */
  serviceRoles: string[]
  /** Milliseconds since the epoch after which the client no longer waits for the response. */
  deadline: number
  log: Logger
  /** True when the caller satisfies the policy rule. */
  may: PolicyCheck
  /** Throws PolicyNotAuthorized (403) unless the caller satisfies the rule. */
  enforce(rule: string, target?: Record<string, unknown>): void
  /** True when the behaviour switch of this name is on at the request's microversion. */
  allows(behaviour: string): boolean
}
