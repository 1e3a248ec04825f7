import type { Context } from '@hearth/core'
import type { Query, Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { removeAppCredentialsOf } from '../../model/application-credentials/store.ts'
import { type Assignment, addAssignment, listAssignments, removeAssignment } from '../../model/assignments/store.ts'
import { commit, type Deps } from '../../model/deps.ts'
import { forbidden, invalid, notFound } from '../../model/errors.ts'
import { memberIds } from '../../model/groups/store.ts'
import { type Role, rolesById } from '../../model/roles/store.ts'
import { revoke } from '../../model/tokens/store.ts'
import { getDomain } from '../domains/show.ts'
import { getGroup } from '../groups/show.ts'
import { type Body, baseOf, collection } from '../links.ts'
import { getProject } from '../projects/show.ts'
import { getRole } from '../roles/show.ts'
import { viewRole } from '../roles/view.ts'
import { getUser } from '../users/show.ts'

type GrantPath = Omit<Assignment, 'roleId'>

/**
 * Reads actor and target from the path: `/projects/{p}/users/{u}/…`, `/OS-INHERIT/domains/{d}/groups/{g}/…`,
 * `/system/users/{u}/…`.
 */
function readGrantPath({ params, url }: ApiRequest): GrantPath {
  const { user_id, group_id, project_id, domain_id } = params
  return {
    actorType: user_id ? 'user' : 'group',
    actorId: user_id ?? group_id!,
    targetType: project_id ? 'project' : domain_id ? 'domain' : 'system',
    targetId: project_id ?? domain_id ?? '',
    inherited: /\/inherited_to_projects\/?(\?|$)/.test(url),
  }
}

/** GET …/roles: the roles granted on exactly this target, without inherited and implied roles. */
export async function listGrants(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const { query } = deps.database
  const path = readGrantPath(request)
  await assertExists(query, path)
  const base = baseOf(request, deps.publicUrl)
  const ids = (await listAssignments(query, path)).map((one) => one.roleId)
  const items = (await rolesById(query, ids)).map((role) => viewRole(role, base))
  return collection(request, { name: 'roles', base, items })
}

/**
 * PUT …/roles/{role_id}: grants the role. Throws ResourceNotFound (404), Forbidden (403) for a role of another domain,
 * InvalidRequest (400) for a domain's role on the system.
 */
export async function grant(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const path = readGrantPath(request)
  await commit(deps, async (tx) => {
    const role = await getRole(tx, request.params.role_id!)
    await assertExists(tx, path)
    await assertRoleFits(tx, path, role)
    await addAssignment(tx, { ...path, roleId: role.id })
  })
}

/** HEAD and GET …/roles/{role_id}. Throws ResourceNotFound (404) when the role is not granted. */
export async function checkGrant(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const { query } = deps.database
  const path = readGrantPath(request)
  await assertExists(query, path)
  const found = await listAssignments(query, { ...path, roleId: request.params.role_id! })
  if (found.length === 0) throw notFound('role assignment', request.params.role_id!)
}

/**
 * DELETE …/roles/{role_id}: revokes the tokens with the role on this target, and removes the application credentials of
 * the user for the project.
 */
export async function revokeGrant(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const path = readGrantPath(request)
  await commit(deps, async (tx) => {
    const role = await getRole(tx, request.params.role_id!)
    if (!(await removeAssignment(tx, { ...path, roleId: role.id }))) throw notFound('role assignment', role.id)
    const users = path.actorType === 'user' ? [path.actorId] : await memberIds(tx, path.actorId)
    const narrowed = { ...targetOf(path), ...(role.domainId === null ? { roleName: role.name } : {}) }
    await revoke(
      tx,
      users.map((userId) => ({ userId, ...narrowed })),
      deps,
    )
    if (path.targetType === 'project' && path.actorType === 'user' && !path.inherited)
      await removeAppCredentialsOf(tx, path.actorId, path.targetId)
  })
}

/**
 * Returns the scope of the tokens to revoke. An event cannot describe a project tree or the system, so {} then leaves
 * the scope open and the user's tokens of all scopes are revoked.
 */
function targetOf({ targetType, targetId, inherited }: GrantPath): { projectId?: string; domainId?: string } {
  if (targetType === 'project' && !inherited) return { projectId: targetId }
  return targetType === 'domain' ? { domainId: targetId } : {}
}

async function assertExists(query: Query, path: GrantPath): Promise<void> {
  if (path.actorType === 'user') await getUser(query, path.actorId)
  else await getGroup(query, path.actorId)
  if (path.targetType === 'project') await getProject(query, path.targetId)
  if (path.targetType === 'domain') await getDomain(query, path.targetId)
}

/**
 * Throws InvalidRequest (400) for a domain's role on the system, Forbidden (403) for one on a project of another
 * domain. On domains all roles fit (keystone/assignment/core.py, create_grant and create_system_grant_for_user).
 */
async function assertRoleFits(tx: Transaction, path: GrantPath, role: Role): Promise<void> {
  if (role.domainId === null || path.targetType === 'domain') return
  if (path.targetType === 'system')
    throw invalid(
      `Role ${role.id} is a domain-specific role. Unable to use a domain-specific role in a system assignment.`,
    )
  const { domainId } = await getProject(tx, path.targetId)
  if (domainId !== role.domainId)
    throw forbidden(`Project ${path.targetId} must be in the same domain as the role ${role.id} being assigned.`)
}
