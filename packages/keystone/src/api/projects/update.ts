import type { Context } from '@hearth/core'
import type { Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { forbidden, invalid } from '../../model/errors.ts'
import { isImmutable, mergeExtras } from '../../model/extras.ts'
import {
  assertDomainNameFree,
  findProject,
  type Project,
  saveProject,
  saveTags,
  subtreeOf,
} from '../../model/projects/store.ts'
import { revoke } from '../../model/tokens/store.ts'
import { type Body, baseOf } from '../links.ts'
import { known, type ProjectInput } from './schema.ts'
import { getProject } from './show.ts'
import { viewProject } from './view.ts'

/** PATCH /projects/{project_id}. Disabling a project revokes its tokens. */
export async function updateProject(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { project: ProjectInput }).project
  const project = await commit(deps, async (tx) => {
    const old = await getProject(tx, request.params.project_id!)
    return changeProject(tx, old, given, deps)
  })
  return { project: viewProject(project, baseOf(request, deps.publicUrl)) }
}

/**
 * Writes the changes to a project or domain and returns it. Throws InvalidRequest (400), Forbidden (403), AlreadyExists
 * (409).
 */
export async function changeProject(
  tx: Transaction,
  old: Project,
  given: ProjectInput,
  deps: Pick<Deps, 'tokens'>,
): Promise<Project> {
  assertMovable(old, given)
  const changed = {
    ...old,
    name: given.name ?? old.name,
    enabled: given.enabled ?? old.enabled,
    description: given.description ?? old.description,
    options: { ...old.options, ...given.options },
    extra: mergeExtras(old.extra, given, known),
    tags: given.tags ? [...new Set(given.tags)].sort() : old.tags,
  }
  if (changed.enabled !== old.enabled) await assertSwitchable(tx, changed)
  if (changed.isDomain && changed.name !== old.name) await assertDomainNameFree(tx, changed)
  await saveProject(tx, changed)
  if (given.tags) await saveTags(tx, old.id, changed.tags)
  if (old.enabled && !changed.enabled) await revoke(tx, [scopeOf(old)], deps)
  return changed
}

/** Returns the fields of a revocation that revokes all tokens of a project or domain. */
const scopeOf = (project: Project) => (project.isDomain ? { domainId: project.id } : { projectId: project.id })

function assertMovable(old: Project, given: ProjectInput): void {
  if (isImmutable(old.options, given.options)) throw forbidden(`${old.id} is immutable.`)
  if (given.domain_id !== undefined && given.domain_id !== old.domainId) throw invalid('Cannot change Domain ID')
  if (given.parent_id !== undefined && given.parent_id !== old.parentId)
    throw forbidden('Update of `parent_id` is not allowed.')
  if (given.is_domain !== undefined && given.is_domain !== old.isDomain)
    throw invalid('Update of `is_domain` is not allowed.')
}

async function assertSwitchable(tx: Transaction, project: Project): Promise<void> {
  if (project.isDomain) return
  if (!project.enabled) {
    const below = await subtreeOf(tx, project.id)
    if (below.some((one) => one.enabled)) throw forbidden('its subtree contains an enabled project.')
    return
  }
  const parent = project.parentId ? await findProject(tx, project.parentId) : null
  if (parent && !parent.enabled && !parent.isDomain) throw forbidden('the parent project is disabled.')
}
