import type { Context, Identity } from '@hearth/core'
import { type ApiRequest, Reply } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { auditFailure, auditSuccess, type LoginRecord } from '../../model/login/audit.ts'
import { clearRecordedFailures } from '../../model/login/lockout.ts'
import { satisfies } from '../../model/login/multi-factor.ts'
import { insufficientMethods, methodsOfReceipt } from '../../model/login/receipts.ts'
import { setLastActive } from '../../model/login/store.ts'
import { newAuditId, type Proof, type Scope, type TokenExtra } from '../../model/tokens/claims.ts'
import type { IdentityInput, ScopeInput } from '../../model/tokens/input.ts'
import { proveIdentity } from '../../model/tokens/prove.ts'
import { resolveScope } from '../../model/tokens/scope.ts'
import type { Body } from '../links.ts'
import { viewToken } from './view.ts'

interface AuthInput {
  identity: IdentityInput
  scope?: ScopeInput
}

/**
 * POST /auth/tokens: checks the methods, finds the scope, and returns the signed token in X-Subject-Token. Writes one
 * line to the audit log for each success and each failure.
 */
export async function issue(context: Context, request: ApiRequest, deps: Deps): Promise<Reply> {
  const { auth } = request.body as { auth: AuthInput }
  const record = recordOf(auth.identity, request.clientAddress)
  try {
    const reply = await logIn(auth, record, request, deps)
    auditSuccess(context.log, record)
    return reply
  } catch (error) {
    auditFailure(context.log, record, error)
    throw error
  }
}

async function logIn(auth: AuthInput, record: LoginRecord, request: ApiRequest, deps: Deps): Promise<Reply> {
  const { clientAddress: address } = request
  // Read before the methods are checked, so that a revocation from here on also revokes this token.
  const revision = await deps.tokens.revision()
  const proof = await proveIdentity(auth.identity, address, deps)
  const { user } = proof
  Object.assign(record, { userId: user.id, userName: user.name, domain: user.domainId })
  proof.methods = await enoughMethods(proof, receiptOf(request), deps)
  const scope = await resolveScope(proof, auth.scope, deps)
  const withCatalog = !('nocatalog' in request.query)
  const { token, body } = await issueToken({ proof, scope, revision, withCatalog }, deps)
  if (auth.identity.methods.some((method) => method === 'password' || method === 'totp')) {
    await clearRecordedFailures(user, deps)
    deps.throttle.succeeded({ subject: user.id, address })
  }
  if (deps.compliance.disableUserAccountDaysInactive !== null)
    await setLastActive(deps.database.query, user.id, deps.clock.now().getTime())
  return new Reply(201, { token: body }, { 'x-subject-token': token })
}

/**
 * Returns the methods proven now and by a receipt. Throws InsufficientAuthMethods (401) unless they satisfy the user's
 * rules.
 */
async function enoughMethods(proof: Proof, receipt: string | undefined, deps: Deps): Promise<string[]> {
  const earlier = await methodsOfReceipt(receipt, proof.user.id, deps)
  const methods = [...new Set([...proof.methods, ...earlier])]
  if (!satisfies(proof.user.options, methods)) throw await insufficientMethods(proof.user, methods, deps)
  return methods
}

function receiptOf({ headers }: ApiRequest): string | undefined {
  const receipt = headers['openstack-auth-receipt']
  return Array.isArray(receipt) ? receipt[0] : receipt
}

/** Returns the audit record of a request, before the user is known. */
function recordOf({ methods, ...identity }: IdentityInput, address: string): LoginRecord {
  const user = identity.password?.user ?? identity.totp?.user ?? identity.application_credential?.user
  return {
    address,
    methods,
    userId: user?.id,
    userName: user?.name,
    domain: user?.domain?.id ?? user?.domain?.name,
    appCredential: identity.application_credential?.id ?? identity.application_credential?.name,
  }
}

interface TokenInput {
  proof: Proof
  scope: Scope
  /** Number of the last revocation before the methods were checked. */
  revision: number
  withCatalog: boolean
}

/** Signs a token. Returns it with the `token` object of the response. */
export async function issueToken(input: TokenInput, deps: Deps): Promise<{ token: string; body: Body }> {
  const { proof, scope, revision, withCatalog } = input
  const identity = { ...identityOf(proof, scope, deps.tokenSeconds), revision }
  const extra = extraOf(proof, scope)
  const roles = scope.kind === 'unscoped' ? [] : scope.roles
  const name = proof.appCredential && { appCredentialName: proof.appCredential.name }
  const user = scope.kind === 'trust' ? scope.user : proof.user
  const body = await viewToken({ identity, extra, roles, withCatalog, user, ...name }, deps)
  return { token: deps.tokens.sign(identity, { ...extra }), body }
}

function identityOf(proof: Proof, scope: Scope, tokenSeconds: number): Identity {
  const now = Date.now()
  const user = scope.kind === 'trust' ? scope.user : proof.user
  const project = 'project' in scope ? scope.project : null
  const domain = scope.kind === 'domain' ? scope.domain : null
  // All tokens of a trust form one chain, so that one event revokes them all.
  const chain = scope.kind === 'trust' ? scope.trust.id : proof.chain
  const auditId = newAuditId()
  return {
    userId: user.id,
    userName: user.name,
    userDomainId: user.domainId,
    userDomainName: user.domainName,
    projectId: project?.id ?? null,
    projectName: project?.name ?? null,
    projectDomainId: project?.domainId ?? null,
    projectDomainName: project?.domainName ?? null,
    domainId: domain?.id ?? null,
    domainName: domain?.name ?? null,
    system: scope.kind === 'system',
    roles: scope.kind === 'unscoped' ? [] : scope.roles.map((role) => role.name),
    methods: proof.methods,
    auditIds: chain ? [auditId, chain] : [auditId],
    issuedAt: now,
    expiresAt: expiryOf(proof, scope, now + tokenSeconds * 1000),
    appCredentialId: proof.appCredential?.id ?? null,
    accessRules: proof.appCredential?.accessRules ?? null,
  }
}

/** Returns the earliest limit in whole seconds, as Keystone does; milliseconds since the epoch. */
function expiryOf(proof: Proof, scope: Scope, longest: number): number {
  const trustEnd = scope.kind === 'trust' ? scope.trust.expiresAt : null
  const ends = [longest, proof.expiresAt ?? longest, trustEnd ?? longest]
  return Math.floor(Math.min(...ends) / 1000) * 1000
}

function extraOf(proof: Proof, scope: Scope): TokenExtra {
  if (scope.kind === 'trust') {
    const { id, trustorId, trusteeId, impersonation } = scope.trust
    return { trust: id, trustor: trustorId, trustee: trusteeId, impersonation }
  }
  return proof.appCredential?.unrestricted ? { unrestricted: true } : {}
}
