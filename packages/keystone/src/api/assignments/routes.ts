import { findProject } from '../../model/projects/store.ts'
import { queryText } from '../filters.ts'
import type { IdentityRoute, Target } from '../guard.ts'
import { grantTarget } from '../targets.ts'
import { checkGrant, grant, listGrants, revokeGrant } from './grant.ts'
import { listAssignments } from './list.ts'

/** Returns the four routes of one kind of grant. `tail` is the path after the role. */
function grantRows(path: string, tail: string, policies: [string, string, string, string]): IdentityRoute[] {
  const [list, check, create, revoke] = policies
  const one = { path: `${path}/roles/:role_id${tail}`, target: grantTarget, status: 204 }
  const all = { path: `${path}/roles${tail}`, target: grantTarget, status: 200 }
  return [
    { method: ['GET', 'HEAD'], ...all, policy: list, operation: listGrants },
    { method: ['GET', 'HEAD'], ...one, policy: check, operation: checkGrant },
    { method: 'PUT', ...one, policy: create, operation: grant },
    { method: 'DELETE', ...one, policy: revoke, operation: revokeGrant },
  ]
}

const ordinary: [string, string, string, string] = [
  'identity:list_grants',
  'identity:check_grant',
  'identity:create_grant',
  'identity:revoke_grant',
]

const systemForUser: [string, string, string, string] = [
  'identity:list_system_grants_for_user',
  'identity:check_system_grant_for_user',
  'identity:create_system_grant_for_user',
  'identity:revoke_system_grant_for_user',
]

const systemForGroup: [string, string, string, string] = [
  'identity:list_system_grants_for_group',
  'identity:check_system_grant_for_group',
  'identity:create_system_grant_for_group',
  'identity:revoke_system_grant_for_group',
]

const targetPaths = ['/projects/:project_id', '/domains/:domain_id']
const actorPaths = ['/users/:user_id', '/groups/:group_id']
const pairs = targetPaths.flatMap((target) => actorPaths.map((actor) => target + actor))

/**
 * Target of a list call: the project that it filters by and that project's domain, or the domain that it filters by.
 */
const filterTarget: Target = async ({ query }, deps) => {
  const projectId = queryText(query, 'scope.project.id')
  const project = projectId ? await findProject(deps.database.query, projectId) : null
  const domainId = queryText(query, 'scope.domain.id') ?? project?.domainId ?? undefined
  return { domain_id: domainId, project: { id: projectId, domain_id: project?.domainId ?? undefined } }
}

export const routes: IdentityRoute[] = [
  ...pairs.flatMap((path) => grantRows(path, '', ordinary)),
  ...pairs.flatMap((path) => grantRows(`/OS-INHERIT${path}`, '/inherited_to_projects', ordinary)),
  ...grantRows('/system/users/:user_id', '', systemForUser),
  ...grantRows('/system/groups/:group_id', '', systemForGroup),
  {
    method: ['GET', 'HEAD'],
    path: '/role_assignments',
    policy: 'identity:list_role_assignments',
    target: filterTarget,
    status: 200,
    operation: listAssignments,
  },
]
