import type { Query } from '@hearth/database'
import { memberIds } from '../groups/store.ts'
import { ancestorsOf, findProject, subtreeOf } from '../projects/store.ts'
import { listImplications, rolesById } from '../roles/store.ts'
import { appliesTo } from './effective.ts'
import { type Assignment, assignmentsOf, listAssignments } from './store.ts'

/** An assignment as it takes effect, with its source. */
export interface Effective extends Assignment {
  /** Group whose membership gives the user the role. */
  groupId?: string
  /** Role that implies this one. */
  priorRoleId?: string
  /** Stored assignment. */
  source: Assignment
}

/** Filters of effective assignments; an absent field is no filter. */
interface EffectiveFilter {
  userId?: string
  projectId?: string
  domainId?: string
  roleId?: string
  system?: boolean
}

/**
 * Returns which user has which role on which target. Replaces groups by their members and inherited assignments by
 * assignments on projects, and adds implied roles.
 */
export async function effectiveAssignments(query: Query, filter: EffectiveFilter): Promise<Effective[]> {
  const made = filter.userId ? await assignmentsOf(query, filter.userId) : await listAssignments(query, {})
  const expanded = await expandInherited(query, made, filter)
  const matching = expanded.filter((one) => matchesTarget(one, filter))
  const byUser = await expandGroups(query, matching, filter.userId)
  const implied = await addImplied(query, byUser)
  const unique = new Map(implied.map((one) => [keyOf(one), one]))
  return [...unique.values()].filter((one) => filter.roleId === undefined || one.roleId === filter.roleId)
}

function matchesTarget(one: Assignment, filter: EffectiveFilter): boolean {
  if (filter.system) return one.targetType === 'system'
  if (filter.projectId !== undefined) return one.targetType === 'project' && one.targetId === filter.projectId
  if (filter.domainId !== undefined) return one.targetType === 'domain' && one.targetId === filter.domainId
  return true
}

const keyOf = (one: Effective): string => [one.actorId, one.targetType, one.targetId, one.roleId].join('/')

async function expandInherited(query: Query, made: Assignment[], filter: EffectiveFilter): Promise<Effective[]> {
  const expanded: Effective[] = made.filter((one) => !one.inherited).map((one) => ({ ...one, source: one }))
  const inherited = made.filter((one) => one.inherited)
  if (inherited.length === 0) return expanded
  if (filter.projectId !== undefined) {
    const project = await findProject(query, filter.projectId)
    const above = project ? await ancestorsOf(query, project) : []
    const applying = project ? inherited.filter((one) => appliesTo(one, project, above)) : []
    return [...expanded, ...applying.map((one) => inProject(one, filter.projectId!))]
  }
  for (const one of inherited)
    for (const project of await subtreeOf(query, one.targetId)) expanded.push(inProject(one, project.id))
  return expanded
}

const inProject = (one: Assignment, projectId: string): Effective => ({
  ...one,
  targetType: 'project',
  targetId: projectId,
  inherited: false,
  source: one,
})

async function expandGroups(query: Query, expanded: Effective[], userId: string | undefined): Promise<Effective[]> {
  const groups = new Set(expanded.filter((one) => one.actorType === 'group').map((one) => one.actorId))
  const members = new Map<string, string[]>()
  for (const id of groups) members.set(id, userId ? [userId] : await memberIds(query, id))
  return expanded.flatMap((one): Effective[] => {
    if (one.actorType === 'user') return [one]
    const people = members.get(one.actorId) ?? []
    return people.map((id) => ({ ...one, actorType: 'user', actorId: id, groupId: one.actorId }))
  })
}

async function addImplied(query: Query, expanded: Effective[]): Promise<Effective[]> {
  const implied = Map.groupBy(await listImplications(query), (one) => one.priorId)
  const all = expanded.flatMap((one) => {
    const reached = new Map<string, Effective>([[one.roleId, one]])
    for (const [id] of reached)
      for (const { impliedId } of implied.get(id) ?? [])
        if (!reached.has(impliedId)) reached.set(impliedId, { ...one, roleId: impliedId, priorRoleId: id })
    return [...reached.values()]
  })
  const roles = await rolesById(query, [...new Set(all.map((one) => one.roleId))])
  const global = new Set(roles.filter((role) => role.domainId === null).map((role) => role.id))
  return all.filter((one) => global.has(one.roleId))
}
