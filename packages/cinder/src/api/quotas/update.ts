import { type Context, commonErrors } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { allResources, deleteLimits, readLimits, readUsages, writeLimits } from '../../model/quotas/store.ts'
import { parseLimits } from './limits.ts'

type Deps = { database: Database }

/** PUT /os-quota-sets/{project}. Throws 400 for unknown keys and for limits below the current usage. */
export async function updateQuotas(context: Context, request: ApiRequest, deps: Deps) {
  const project = request.params.project!
  context.enforce('volume_extension:quotas:update', { project_id: project })
  const body = (request.body as { quota_set: Record<string, unknown> }).quota_set
  const limits = await deps.database.transaction(async (tx) => {
    const wanted = parseLimits(body, await allResources(tx), 'quota set')
    const usages = await readUsages(tx, project)
    for (const [key, limit] of wanted) {
      const used = usages.get(key)?.inUse ?? 0
      if (limit === -1 || limit >= used || key === 'per_volume_gigabytes') continue
      throw commonErrors.BadRequest({
        reason:
          `Quota ${key} limit must be equal or greater than existing resources. ` +
          `Current usage is ${used} and the requested limit is ${limit}.`,
      })
    }
    await writeLimits(tx, project, wanted)
    return readLimits(tx, project)
  })
  return { quota_set: Object.fromEntries(limits) }
}

/** DELETE /os-quota-sets/{project}: the defaults hold again. */
export async function deleteQuotas(context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const project = request.params.project!
  context.enforce('volume_extension:quotas:delete', { project_id: project })
  await deleteLimits(deps.database.query, project)
}
