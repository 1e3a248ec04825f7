import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { listProjects as list, type Project } from '../../model/projects/store.ts'
import { cutPage, queryText, readFilters, readPage } from '../filters.ts'
import { type Body, baseOf, collection } from '../links.ts'
import { withinDomain } from '../targets.ts'
import { viewProject } from './view.ts'

const kinds = { name: 'text', domain_id: 'text', parent_id: 'text', enabled: 'boolean', is_domain: 'boolean' } as const
const tagKeys = ['tags', 'tags-any', 'not-tags', 'not-tags-any']

/** GET /projects: filters by name, domain_id, parent_id, enabled and tags; lists domains only with `is_domain`. */
export async function listProjects(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const filters = readFilters(request.query, kinds)
  const page = readPage(request.query)
  const base = baseOf(request, deps.publicUrl)
  const exact = withinDomain(context, { is_domain: false, ...filters.exact })
  const isExact = filters.isExact && !tagKeys.some((key) => Object.hasOwn(request.query, key))
  const projects = exact ? await list(deps.database.query, exact, isExact ? page : {}) : []
  const tagged = projects.filter(tagFilter(request.query)).map((project) => viewProject(project, base))
  return collection(request, { name: 'projects', base, items: cutPage(tagged.filter(filters.matches), page) })
}

/** Returns the filter by `tags`, `tags-any`, `not-tags` and `not-tags-any`, each a comma-separated list. */
function tagFilter(query: ApiRequest['query']): (project: Pick<Project, 'tags'>) => boolean {
  const [all, any, notAll, notAny] = tagKeys.map((key) => queryText(query, key)?.split(',').filter(Boolean))
  return ({ tags }) =>
    (!all || all.every((tag) => tags.includes(tag))) &&
    (!any || any.some((tag) => tags.includes(tag))) &&
    !notAll?.every((tag) => tags.includes(tag)) &&
    !notAny?.some((tag) => tags.includes(tag))
}
