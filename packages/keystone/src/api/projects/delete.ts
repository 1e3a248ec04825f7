import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { removeDomain } from '../../model/domains/remove.ts'
import { forbidden } from '../../model/errors.ts'
import { isImmutable } from '../../model/extras.ts'
import { hasChildren, removeProject } from '../../model/projects/store.ts'
import { revoke } from '../../model/tokens/store.ts'
import { clearDefaultProject } from '../../model/users/store.ts'
import { getProject } from './show.ts'

/**
 * DELETE /projects/{project_id}. Throws Forbidden (403) for a project with projects below it, an immutable project or
 * an enabled domain.
 */
export async function deleteProject(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await commit(deps, async (tx) => {
    const project = await getProject(tx, request.params.project_id!)
    if (project.isDomain) return removeDomain(tx, project, deps)
    if (isImmutable(project.options)) throw forbidden(`${project.id} is immutable.`)
    if (await hasChildren(tx, project.id)) throw forbidden('the project is not a leaf of the hierarchy.')
    await removeProject(tx, project.id)
    await clearDefaultProject(tx, project.id)
    await revoke(tx, [{ projectId: project.id }], deps)
  })
}
