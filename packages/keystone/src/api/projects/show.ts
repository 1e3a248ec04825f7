import { type Context, own } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { invalid, notFound } from '../../model/errors.ts'
import { ancestorsOf, findProject, type Project, projectsById, subtreeOf } from '../../model/projects/store.ts'
import { queryFlag } from '../filters.ts'
import { type Body, baseOf } from '../links.ts'
import { viewProject } from './view.ts'

/** Returns the project with this id. Throws ResourceNotFound (404). */
export async function getProject(query: Query, id: string): Promise<Project> {
  const project = await findProject(query, id)
  if (!project) throw notFound('project', id)
  return project
}

/** GET /projects/{project_id}; on request with its parents or its subtree, as a list or as ids. */
export async function showProject(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const { query } = deps.database
  const project = await getProject(query, request.params.project_id!)
  const flag = (name: string): boolean =>
    Object.hasOwn(request.query, name) && (own(request.query, name) === '' || queryFlag(request.query, name))
  if (flag('parents_as_list') && flag('parents_as_ids')) throw invalid('Use either parents_as_list or parents_as_ids.')
  if (flag('subtree_as_list') && flag('subtree_as_ids')) throw invalid('Use either subtree_as_list or subtree_as_ids.')
  const body = viewProject(project, base)
  const list = (projects: Project[]) => projects.map((one) => ({ project: viewProject(one, base) }))
  if (flag('parents_as_list')) body.parents = list(await parentsOf(query, project))
  if (flag('parents_as_ids')) body.parents = chainOf(await ancestorsOf(query, project))
  if (flag('subtree_as_list')) body.subtree = list(await subtreeOf(query, project.id))
  if (flag('subtree_as_ids')) body.subtree = treeOf(await subtreeOf(query, project.id), project.id)
  return { project: body }
}

/** Returns the parent projects, nearest first, without the domain. */
async function parentsOf(query: Query, project: Project): Promise<Project[]> {
  const ids = await ancestorsOf(query, project)
  const found = new Map((await projectsById(query, ids)).map((one) => [one.id, one]))
  return ids.flatMap((id) => found.get(id) ?? []).filter((one) => !one.isDomain)
}

/** Returns `{parent: {grandparent: null}}`. */
function chainOf(ids: string[]): Body | null {
  return ids.reduceRight<Body | null>((above, id) => ({ [id]: above }), null)
}

/** Returns `{child: {grandchild: null}}`. */
function treeOf(projects: Project[], rootId: string): Body | null {
  const children = projects.filter((one) => one.parentId === rootId)
  if (children.length === 0) return null
  return Object.fromEntries(children.map((child) => [child.id, treeOf(projects, child.id)]))
}
