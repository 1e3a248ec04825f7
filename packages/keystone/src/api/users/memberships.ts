import { type Context, own } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { groupIdsOf, groupsById } from '../../model/groups/store.ts'
import { readFilters } from '../filters.ts'
import { viewGroup } from '../groups/view.ts'
import { type Body, baseOf, collection } from '../links.ts'
import { viewProject } from '../projects/view.ts'
import { projectsOf } from '../tokens/scopes.ts'
import { getUser } from './show.ts'

/** GET /users/{user_id}/groups: filters by name. */
export async function listUserGroups(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const { query } = deps.database
  const user = await getUser(query, request.params.user_id!)
  const filters = readFilters(request.query, { name: 'text' })
  const groups = await groupsById(query, await groupIdsOf(query, user.id))
  const wanted = groups.filter((group) => !filters.exact.name || group.name === filters.exact.name)
  const items = wanted.map((group) => viewGroup(group, base)).filter(filters.matches)
  return collection(request, { name: 'groups', base, items })
}

/** GET /users/{user_id}/projects: the projects in which the user has a role; filters by name and enabled. */
export async function listUserProjects(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const user = await getUser(deps.database.query, request.params.user_id!)
  const filters = readFilters(request.query, { name: 'text', enabled: 'boolean' })
  const projects = await projectsOf(deps.database.query, user.id)
  const views = projects.map((project) => viewProject(project, base)).filter(filters.matches)
  const items = views.filter((item) => Object.entries(filters.exact).every(([key, value]) => own(item, key) === value))
  return collection(request, { name: 'projects', base, items })
}
