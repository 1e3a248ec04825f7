import type { Query } from '@hearth/database'
import { expandRoles, rolesInDomain, rolesInProject, rolesInSystem } from '../assignments/effective.ts'
import type { Deps } from '../deps.ts'
import { errors, forbidden } from '../errors.ts'
import { domainOf, findDomain, findScope, type ProjectReference, type ScopedProject } from '../projects/store.ts'
import type { Role } from '../roles/store.ts'
import { useTrust } from '../trusts/use.ts'
import type { Proof, Scope } from './claims.ts'
import type { ScopeInput } from './input.ts'

/**
 * Returns the scope of the token to issue. Without a requested scope: the user's default project if the user has a role
 * in it, else unscoped. Throws AuthenticationFailed (401) for a scope that does not exist, is disabled, or in which the
 * user has no role.
 */
export async function resolveScope(proof: Proof, wanted: ScopeInput | undefined, deps: Deps): Promise<Scope> {
  const { query } = deps.database
  if (proof.appCredential) {
    if (wanted !== undefined) throw errors.AuthenticationFailed()
    return appCredentialScope(query, proof)
  }
  if (proof.isDelegated) throw forbidden('a delegated token cannot be rescoped.')
  if (wanted === undefined) return defaultScope(query, proof)
  if (wanted === 'unscoped' || 'unscoped' in wanted) return { kind: 'unscoped' }
  if (wanted.project) return projectScope(query, proof, wanted.project as ProjectReference)
  if (wanted.domain) return domainScope(query, proof, wanted.domain)
  if (wanted.system) return { kind: 'system', roles: requireRoles(await rolesInSystem(query, proof.user.id)) }
  if (wanted['OS-TRUST:trust']) return useTrust(wanted['OS-TRUST:trust'].id, proof, deps)
  return { kind: 'unscoped' }
}

function requireRoles(roles: Role[]): Role[] {
  if (roles.length === 0) throw errors.AuthenticationFailed()
  return roles
}

function isUsable(project: ScopedProject | null): project is ScopedProject {
  return project?.enabled === true && project.domainEnabled
}

async function projectScope(query: Query, proof: Proof, reference: ProjectReference): Promise<Scope> {
  const project = await findScope(
    query,
    'id' in reference && reference.id !== undefined ? { id: reference.id } : reference,
  )
  if (!isUsable(project)) throw errors.AuthenticationFailed()
  return { kind: 'project', project, roles: requireRoles(await rolesInProject(query, proof.user.id, project)) }
}

async function defaultScope(query: Query, proof: Proof): Promise<Scope> {
  if (!proof.user.defaultProjectId) return { kind: 'unscoped' }
  const project = await findScope(query, { id: proof.user.defaultProjectId })
  if (!isUsable(project)) return { kind: 'unscoped' }
  const roles = await rolesInProject(query, proof.user.id, project)
  return roles.length === 0 ? { kind: 'unscoped' } : { kind: 'project', project, roles }
}

async function domainScope(query: Query, proof: Proof, reference: { id?: string; name?: string }): Promise<Scope> {
  const id = await domainOf(query, { domain: reference })
  const domain = id === null ? null : await findDomain(query, id)
  if (!domain?.enabled) throw errors.AuthenticationFailed()
  return { kind: 'domain', domain, roles: requireRoles(await rolesInDomain(query, proof.user.id, domain.id)) }
}

/** Returns the credential's project, with those of its roles that the user still has. */
async function appCredentialScope(query: Query, proof: Proof): Promise<Scope> {
  const { projectId, roleIds } = proof.appCredential!
  const project = await findScope(query, { id: projectId })
  if (!isUsable(project)) throw errors.AuthenticationFailed()
  const held = new Set((await rolesInProject(query, proof.user.id, project)).map((role) => role.id))
  const delegated = await expandRoles(query, roleIds)
  return { kind: 'project', project, roles: requireRoles(delegated.filter((role) => held.has(role.id))) }
}
