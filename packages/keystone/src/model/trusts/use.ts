import { expandRoles, rolesInProject } from '../assignments/effective.ts'
import type { Deps } from '../deps.ts'
import { errors, forbidden } from '../errors.ts'
import { assertEnabled } from '../login/password.ts'
import { findScope } from '../projects/store.ts'
import type { Proof, Scope } from '../tokens/claims.ts'
import { findLogin } from '../users/store.ts'
import { consumeUse, findTrust } from './store.ts'

/**
 * Returns the scope that a trust gives to its trustee. Throws AuthenticationFailed (401) for a trust that is another
 * user's, has expired or is used up, Forbidden (403) when the trustor has lost a delegated role.
 */
export async function useTrust(id: string, proof: Proof, deps: Deps): Promise<Scope> {
  const { query } = deps.database
  const trust = await findTrust(query, id)
  if (!trust || trust.trusteeId !== proof.user.id || proof.appCredential) throw errors.AuthenticationFailed()
  if (trust.expiresAt !== null && trust.expiresAt <= Date.now()) throw errors.AuthenticationFailed()
  const trustor = await findLogin(query, { id: trust.trustorId })
  assertEnabled(trustor, deps)
  const user = trust.impersonation ? trustor : proof.user
  if (!trust.projectId) return { kind: 'trust', trust, user, project: null, roles: [] }
  const project = await findScope(query, { id: trust.projectId })
  if (!project?.enabled || !project.domainEnabled) throw errors.AuthenticationFailed()
  const held = new Set((await rolesInProject(query, trustor.id, project)).map((role) => role.id))
  if (trust.roleIds.some((roleId) => !held.has(roleId))) throw forbidden('the trustor no longer has the roles.')
  if (trust.remainingUses !== null && !(await consumeUse(query, trust.id))) throw errors.AuthenticationFailed()
  return { kind: 'trust', trust, user, project, roles: await expandRoles(query, trust.roleIds) }
}
