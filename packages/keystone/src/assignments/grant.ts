import type { Context } from '@hearth/core'
import type { Query, Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { removeAppCredentialsOf } from '../application-credentials/store.ts'
import { commit, type Deps } from '../deps.ts'
import { needDomain } from '../domains/show.ts'
import { forbidden, invalid, notFound } from '../errors.ts'
import { needGroup } from '../groups/show.ts'
import { memberIds } from '../groups/store.ts'
import { type Body, baseOf, collection } from '../links.ts'
import { needProject } from '../projects/show.ts'
import { renderRole } from '../roles/render.ts'
import { needRole } from '../roles/show.ts'
import { type Role, rolesById } from '../roles/store.ts'
import { revoke } from '../tokens/store.ts'
import { needUser } from '../users/show.ts'
import { type Assignment, addAssignment, listAssignments, removeAssignment } from './store.ts'

type Place = Omit<Assignment, 'roleId'>

/** Who on what, from the path: `/projects/{p}/users/{u}/…`, `/OS-INHERIT/domains/{d}/groups/{g}/…`, `/system/users/{u}/…`. */
function placeOf({ params, url }: ApiRequest): Place {
  const { user_id, group_id, project_id, domain_id } = params
  return {
    actorType: user_id ? 'user' : 'group',
    actorId: user_id ?? group_id!,
    targetType: project_id ? 'project' : domain_id ? 'domain' : 'system',
    targetId: project_id ?? domain_id ?? '',
    inherited: /\/inherited_to_projects\/?(\?|$)/.test(url),
  }
}

/** GET …/roles: what is granted here, neither inherited nor implied. */
export async function listGrants(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const { query } = deps.database
  const place = placeOf(request)
  await assertThere(query, place)
  const base = baseOf(request, deps.publicUrl)
  const ids = (await listAssignments(query, place)).map((one) => one.roleId)
  const items = (await rolesById(query, ids)).map((role) => renderRole(role, base))
  return collection(request, { name: 'roles', base, items })
}

/** PUT …/roles/{role_id}. Throws ResourceNotFound (404), Forbidden (403) for a role of another domain, InvalidRequest (400). */
export async function grant(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const place = placeOf(request)
  await commit(deps, async (tx) => {
    const role = await needRole(tx, request.params.role_id!)
    await assertThere(tx, place)
    await assertFits(tx, place, role)
    await addAssignment(tx, { ...place, roleId: role.id })
  })
}

/** HEAD and GET …/roles/{role_id}. Throws ResourceNotFound (404). */
export async function checkGrant(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const { query } = deps.database
  const place = placeOf(request)
  await assertThere(query, place)
  const found = await listAssignments(query, { ...place, roleId: request.params.role_id! })
  if (found.length === 0) throw notFound('role assignment', request.params.role_id!)
}

/** DELETE …/roles/{role_id}: tokens that carry the role there are void, credentials that delegate it are gone. */
export async function revokeGrant(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const place = placeOf(request)
  await commit(deps, async (tx) => {
    const role = await needRole(tx, request.params.role_id!)
    if (!(await removeAssignment(tx, { ...place, roleId: role.id }))) throw notFound('role assignment', role.id)
    const users = place.actorType === 'user' ? [place.actorId] : await memberIds(tx, place.actorId)
    const narrowed = { ...targetOf(place), ...(role.domainId === null ? { roleName: role.name } : {}) }
    await revoke(
      tx,
      users.map((userId) => ({ userId, ...narrowed })),
      deps,
    )
    if (place.targetType === 'project' && place.actorType === 'user' && !place.inherited)
      await removeAppCredentialsOf(tx, place.actorId, place.targetId)
  })
}

/** Which tokens a grant touches; those of a project tree or of the system cannot be told by an event and are all taken. */
function targetOf({ targetType, targetId, inherited }: Place): { projectId?: string; domainId?: string } {
  if (targetType === 'project' && !inherited) return { projectId: targetId }
  return targetType === 'domain' ? { domainId: targetId } : {}
}

async function assertThere(query: Query, place: Place): Promise<void> {
  if (place.actorType === 'user') await needUser(query, place.actorId)
  else await needGroup(query, place.actorId)
  if (place.targetType === 'project') await needProject(query, place.targetId)
  if (place.targetType === 'domain') await needDomain(query, place.targetId)
}

/**
 * A role of one domain is granted on projects of that domain, on any domain, and not on the system
 * (keystone/assignment/core.py, create_grant and create_system_grant_for_user).
 */
async function assertFits(tx: Transaction, place: Place, role: Role): Promise<void> {
  if (role.domainId === null || place.targetType === 'domain') return
  if (place.targetType === 'system')
    throw invalid(
      `Role ${role.id} is a domain-specific role. Unable to use a domain-specific role in a system assignment.`,
    )
  const { domainId } = await needProject(tx, place.targetId)
  if (domainId !== role.domainId)
    throw forbidden(`Project ${place.targetId} must be in the same domain as the role ${role.id} being assigned.`)
}
