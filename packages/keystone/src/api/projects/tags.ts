import type { Context } from '@hearth/core'
import { type ApiRequest, Reply } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { invalid, notFound } from '../../model/errors.ts'
import { saveTags } from '../../model/projects/store.ts'
import { type Body, baseOf } from '../links.ts'
import { getProject } from './show.ts'

/** GET /projects/{project_id}/tags. */
export async function listTags(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const project = await getProject(deps.database.query, request.params.project_id!)
  return tagsBody(request, deps, project.tags)
}

/** PUT /projects/{project_id}/tags. Throws InvalidRequest (400) for more than 80 tags. */
export async function replaceTags(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const { tags } = request.body as { tags: string[] }
  await changeTags(request, deps, () => tags)
  return tagsBody(request, deps, [...new Set(tags)].sort())
}

/** DELETE /projects/{project_id}/tags. */
export async function clearTags(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await changeTags(request, deps, () => [])
}

/** GET and HEAD /projects/{project_id}/tags/{value}. Throws ResourceNotFound (404). */
export async function checkTag(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const project = await getProject(deps.database.query, request.params.project_id!)
  if (!project.tags.includes(request.params.value!)) throw notFound('project tag', request.params.value!)
}

/**
 * PUT /projects/{project_id}/tags/{value}: returns 201. Throws InvalidRequest (400) for an invalid tag, or for more
 * than 80.
 */
export async function addTag(_context: Context, request: ApiRequest, deps: Deps): Promise<Reply> {
  const value = request.params.value!
  if (value.length > 255 || /[,/]/.test(value)) throw invalid(`${value} is not a tag.`)
  await changeTags(request, deps, (tags) => [...tags, value])
  const base = baseOf(request, deps.publicUrl)
  return new Reply(201, undefined, {
    location: `${base}/projects/${request.params.project_id}/tags/${encodeURIComponent(value)}`,
  })
}

/** DELETE /projects/{project_id}/tags/{value}. Throws ResourceNotFound (404). */
export async function removeTag(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const value = request.params.value!
  await changeTags(request, deps, (tags) => {
    if (!tags.includes(value)) throw notFound('project tag', value)
    return tags.filter((tag) => tag !== value)
  })
}

async function changeTags(request: ApiRequest, deps: Deps, change: (tags: string[]) => string[]): Promise<void> {
  await commit(deps, async (tx) => {
    const project = await getProject(tx, request.params.project_id!)
    const tags = [...new Set(change(project.tags))]
    if (tags.length > 80) throw invalid('A project can have 80 tags at most.')
    await saveTags(tx, project.id, tags)
  })
}

function tagsBody(request: ApiRequest, deps: Deps, tags: string[]): Body {
  const self = `${baseOf(request, deps.publicUrl)}/projects/${request.params.project_id}/tags`
  return { tags, links: { next: null, self, previous: null } }
}
