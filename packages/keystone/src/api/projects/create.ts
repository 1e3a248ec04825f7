import { type Context, hexId } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { forbidden, invalid, notFound } from '../../model/errors.ts'
import { extrasOf } from '../../model/extras.ts'
import { findDomain, findProject, insertProject, type Project } from '../../model/projects/store.ts'
import { type Body, baseOf } from '../links.ts'
import { callerDomain } from '../targets.ts'
import { known, type ProjectInput } from './schema.ts'
import { viewProject } from './view.ts'

/**
 * POST /projects; creates a domain if `is_domain` is true. Throws ResourceNotFound (404) for an unknown domain or
 * parent, AlreadyExists (409), InvalidRequest (400) for a parent in another domain, Forbidden (403) for a disabled
 * parent.
 */
export async function createProject(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { project: ProjectInput }).project
  const project = await commit(deps, async (tx) => {
    const position = given.is_domain ? domainPosition(given) : await positionOf(context, given, tx)
    const made = newProject(given, position)
    await insertProject(tx, made)
    return made
  })
  return { project: viewProject(project, baseOf(request, deps.publicUrl)) }
}

type Position = Pick<Project, 'domainId' | 'parentId'>

function domainPosition(given: ProjectInput): Position {
  if (given.domain_id || given.parent_id) throw invalid('A project acting as a domain has neither domain nor parent.')
  return { domainId: null, parentId: null }
}

async function positionOf(context: Context, given: ProjectInput, query: Query): Promise<Position> {
  const parent = given.parent_id ? await findProject(query, given.parent_id) : null
  if (given.parent_id && !parent) throw notFound('project', given.parent_id)
  const domainId = given.domain_id ?? parent?.domainId ?? parent?.id ?? callerDomain(context)
  if (!(await findDomain(query, domainId))) throw notFound('domain', domainId)
  if (parent && (parent.domainId ?? parent.id) !== domainId) throw invalid('The parent is in another domain.')
  if (parent && !parent.enabled) throw forbidden('the parent project is disabled.')
  return { domainId, parentId: given.parent_id ?? domainId }
}

function newProject(given: ProjectInput, position: Position): Project {
  return {
    id: hexId(),
    ...position,
    name: given.name!,
    isDomain: given.is_domain ?? false,
    enabled: given.enabled ?? true,
    description: given.description ?? '',
    options: given.options ?? {},
    extra: extrasOf(given, known),
    tags: [...new Set(given.tags ?? [])].sort(),
  }
}
