import type { Query } from '@hearth/database'
import { ancestorsOf, type Project } from '../projects/store.ts'
import { listImplications, type Role, rolesById } from '../roles/store.ts'
import { type Assignment, assignmentsOf } from './store.ts'

type Scope = Pick<Project, 'id' | 'parentId' | 'domainId' | 'isDomain'>

/**
 * Returns the global roles of a user in a project, with inherited and implied roles. Uses three queries, and one more
 * for each parent project when the user has inherited roles.
 */
export async function rolesInProject(query: Query, userId: string, project: Scope): Promise<Role[]> {
  const assignments = await assignmentsOf(query, userId)
  const above = assignments.some((one) => one.inherited) ? await ancestorsOf(query, project) : []
  const held = assignments.filter((one) => appliesTo(one, project, above))
  return expandRoles(
    query,
    held.map((one) => one.roleId),
  )
}

/** Returns true when an assignment applies to the project. `above` holds the ids of its ancestors. */
export function appliesTo(assignment: Assignment, project: Pick<Scope, 'id'>, above: string[]): boolean {
  if (assignment.targetType === 'system') return false
  if (assignment.inherited) return above.includes(assignment.targetId)
  return assignment.targetType === 'project' && assignment.targetId === project.id
}

/** Returns the global roles of a user on a domain, with implied roles. */
export async function rolesInDomain(query: Query, userId: string, domainId: string): Promise<Role[]> {
  const held = (await assignmentsOf(query, userId)).filter(
    (one) => one.targetType === 'domain' && one.targetId === domainId && !one.inherited,
  )
  return expandRoles(
    query,
    held.map((one) => one.roleId),
  )
}

/** Returns the global roles of a user on the system, with implied roles. */
export async function rolesInSystem(query: Query, userId: string): Promise<Role[]> {
  const held = (await assignmentsOf(query, userId)).filter((one) => one.targetType === 'system')
  return expandRoles(
    query,
    held.map((one) => one.roleId),
  )
}

/**
 * Returns the roles and all roles that they imply, sorted by name, in two queries. A role of a domain is left out, but
 * the roles that it implies are included.
 */
export async function expandRoles(query: Query, roleIds: string[]): Promise<Role[]> {
  if (roleIds.length === 0) return []
  const reached = await impliedClosure(query, roleIds)
  const roles = await rolesById(query, [...reached])
  return roles.filter((role) => role.domainId === null).sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Returns the ids of the roles and of all roles that they imply, directly or indirectly. */
async function impliedClosure(query: Query, roleIds: string[]): Promise<Set<string>> {
  const implied = Map.groupBy(await listImplications(query), (one) => one.priorId)
  const reached = new Set(roleIds)
  for (const id of reached) for (const { impliedId } of implied.get(id) ?? []) reached.add(impliedId)
  return reached
}
