import type { Query } from '@hearth/database'
import { ancestorsOf, type Project } from '../projects/store.ts'
import { listImplications, type Role, rolesById } from '../roles/store.ts'
import { type Assignment, assignmentsOf } from './store.ts'

type Scope = Pick<Project, 'id' | 'parentId' | 'domainId' | 'isDomain'>

/** Global roles a user has in a project, with inherited and implied ones: four queries for a project below its domain. */
export async function rolesInProject(query: Query, userId: string, project: Scope): Promise<Role[]> {
  const assignments = await assignmentsOf(query, userId)
  const above = assignments.some((one) => one.inherited) ? await ancestorsOf(query, project) : []
  const held = assignments.filter((one) => reaches(one, project, above))
  return expandRoles(
    query,
    held.map((one) => one.roleId),
  )
}

/** True when an assignment counts in the project, whose ancestors are `above`. */
export function reaches(assignment: Assignment, project: Pick<Scope, 'id'>, above: string[]): boolean {
  if (assignment.targetType === 'system') return false
  if (assignment.inherited) return above.includes(assignment.targetId)
  return assignment.targetType === 'project' && assignment.targetId === project.id
}

export async function rolesInDomain(query: Query, userId: string, domainId: string): Promise<Role[]> {
  const held = (await assignmentsOf(query, userId)).filter(
    (one) => one.targetType === 'domain' && one.targetId === domainId && !one.inherited,
  )
  return expandRoles(
    query,
    held.map((one) => one.roleId),
  )
}

export async function rolesInSystem(query: Query, userId: string): Promise<Role[]> {
  const held = (await assignmentsOf(query, userId)).filter((one) => one.targetType === 'system')
  return expandRoles(
    query,
    held.map((one) => one.roleId),
  )
}

/** The roles and all they imply, in two queries; roles of a domain count only for what they imply. */
export async function expandRoles(query: Query, roleIds: string[]): Promise<Role[]> {
  if (roleIds.length === 0) return []
  const reached = await impliedClosure(query, roleIds)
  const roles = await rolesById(query, [...reached])
  return roles.filter((role) => role.domainId === null).sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Ids of the roles and of all they imply, however far. */
export async function impliedClosure(query: Query, roleIds: string[]): Promise<Set<string>> {
  const implied = Map.groupBy(await listImplications(query), (one) => one.priorId)
  const reached = new Set(roleIds)
  for (const id of reached) for (const { impliedId } of implied.get(id) ?? []) reached.add(impliedId)
  return reached
}
