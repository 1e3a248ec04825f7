import { type Context, own } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { type Effective, effectiveAssignments } from '../../model/assignments/expand.ts'
import { type Assignment, type AssignmentFilter, listAssignments as list } from '../../model/assignments/store.ts'
import type { Deps } from '../../model/deps.ts'
import { invalid } from '../../model/errors.ts'
import { subtreeOf } from '../../model/projects/store.ts'
import { queryFlag, queryText } from '../filters.ts'
import { type Body, baseOf, collection } from '../links.ts'
import { onlyIds, viewAssignment, withNames } from './view.ts'

interface ListFilter {
  userId?: string
  groupId?: string
  roleId?: string
  projectId?: string
  domainId?: string
  system: boolean
  inherited: boolean
  effective: boolean
}

/**
 * GET /role_assignments: assignments as stored or, with `effective`, as they take effect. Throws InvalidRequest (400)
 * for filters that exclude each other.
 */
export async function listAssignments(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const { query } = deps.database
  const filter = readListFilter(request)
  const found: (Assignment | Effective)[] = []
  for (const one of await scopesOf(query, filter, flag(request, 'include_subtree')))
    found.push(...(await find(query, one)))
  const describe = flag(request, 'include_names') ? await withNames(query, found) : onlyIds
  const items = found.map((one) => viewAssignment(one, base, describe))
  return collection(request, { name: 'role_assignments', base, items })
}

/** Returns true for a flag without a value (`?effective`) or with a true value. */
const flag = (request: ApiRequest, name: string): boolean =>
  own(request.query, name) === '' || queryFlag(request.query, name)

function readListFilter({ query, ...request }: ApiRequest): ListFilter {
  const text = (key: string) => queryText(query, key) || undefined
  const filter: ListFilter = {
    userId: text('user.id'),
    groupId: text('group.id'),
    roleId: text('role.id'),
    projectId: text('scope.project.id'),
    domainId: text('scope.domain.id'),
    system: text('scope.system') !== undefined,
    inherited: text('scope.OS-INHERIT:inherited_to') === 'projects',
    effective: flag({ query, ...request }, 'effective'),
  }
  if (filter.userId && filter.groupId) throw invalid('Specify either a user or a group.')
  const scopes = [filter.projectId, filter.domainId, filter.system || undefined].filter(Boolean)
  if (scopes.length > 1) throw invalid('Specify a project, a domain or the system.')
  if (filter.effective && filter.groupId) throw invalid('Combining effective and group filter will always be empty.')
  if (filter.effective && filter.inherited && filter.domainId)
    throw invalid('Combining effective, domain and inherited filters will always be empty.')
  return filter
}

/** Returns the filter, with a copy for each project of the subtree when `withSubtree` is true. */
async function scopesOf(query: Query, filter: ListFilter, withSubtree: boolean): Promise<ListFilter[]> {
  if (!withSubtree) return [filter]
  if (!filter.projectId) throw invalid('scope.project.id must be specified to include the subtree.')
  const below = await subtreeOf(query, filter.projectId)
  return [filter, ...below.map((project) => ({ ...filter, projectId: project.id }))]
}

async function find(query: Query, filter: ListFilter): Promise<(Assignment | Effective)[]> {
  const { userId, groupId, roleId, projectId, domainId, system, inherited } = filter
  if (filter.effective) {
    const found = await effectiveAssignments(query, { userId, roleId, projectId, domainId, system })
    return inherited ? found.filter((one) => one.source.inherited) : found
  }
  const where: AssignmentFilter = { roleId }
  if (userId) Object.assign(where, { actorType: 'user', actorId: userId })
  if (groupId) Object.assign(where, { actorType: 'group', actorId: groupId })
  if (projectId) Object.assign(where, { targetType: 'project', targetId: projectId })
  if (domainId) Object.assign(where, { targetType: 'domain', targetId: domainId })
  if (system) where.targetType = 'system'
  if (inherited) where.inherited = true
  return list(query, where)
}
