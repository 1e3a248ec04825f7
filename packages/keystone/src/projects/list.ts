import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../deps.ts'
import { queryText, readFilters, readPage } from '../filters.ts'
import { type Body, baseOf, collection } from '../links.ts'
import { isVisible } from '../targets.ts'
import { renderProject } from './render.ts'
import { listProjects as list, type Project } from './store.ts'

const kinds = { name: 'text', domain_id: 'text', parent_id: 'text', enabled: 'boolean', is_domain: 'boolean' } as const

/** GET /projects; domains only with `is_domain`. */
export async function listProjects(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const filters = readFilters(request.query, kinds)
  const base = baseOf(request, deps.publicUrl)
  const projects = await list(deps.database.query, { is_domain: false, ...filters.exact }, readPage(request.query))
  const tagged = tagFilter(request.query)
  const items = projects
    .filter(isVisible(context))
    .filter(tagged)
    .map((project) => renderProject(project, base))
  return collection(request, { name: 'projects', base, items: items.filter(filters.matches) })
}

/** `tags`, `tags-any`, `not-tags`, `not-tags-any`, each a comma list. */
export function tagFilter(query: ApiRequest['query']): (project: Pick<Project, 'tags'>) => boolean {
  const read = (key: string) => queryText(query, key)?.split(',').filter(Boolean)
  const [all, any, notAll, notAny] = ['tags', 'tags-any', 'not-tags', 'not-tags-any'].map(read)
  return ({ tags }) =>
    (!all || all.every((tag) => tags.includes(tag))) &&
    (!any || any.some((tag) => tags.includes(tag))) &&
    !notAll?.every((tag) => tags.includes(tag)) &&
    !notAny?.some((tag) => tags.includes(tag))
}
