import { type Context, commonErrors } from '@hearth/core'
import type { Database } from '@hearth/database'
import { type ApiRequest, queryValue } from '@hearth/http'
import { readDefaults, readLimits, readUsages } from '../../model/quotas/store.ts'

type Deps = { database: Database }

/** GET /os-quota-sets/{project}: limits, or with `usage=true` limits and usage of every resource. */
export async function showQuotas(context: Context, request: ApiRequest, deps: Deps) {
  const project = request.params.project!
  enforceOnProject(context, project)
  const wantsUsage = /^(true|1|on|yes|t|y)$/i.test(queryValue(request.query, 'usage') ?? '')
  if (!wantsUsage)
    return { quota_set: { id: project, ...Object.fromEntries(await readLimits(deps.database.query, project)) } }
  const usages = await readUsages(deps.database.query, project)
  const set = [...usages].map(([key, { limit, inUse }]) => [key, { limit, in_use: inUse, reserved: 0 }] as const)
  return { quota_set: { id: project, ...Object.fromEntries(set) } }
}

/** GET /os-quota-sets/{project}/defaults. */
export async function showQuotaDefaults(context: Context, request: ApiRequest, deps: Deps) {
  const project = request.params.project!
  enforceOnProject(context, project)
  return { quota_set: { id: project, ...Object.fromEntries(await readDefaults(deps.database.query)) } }
}

function enforceOnProject(context: Context, project: string): void {
  context.enforce('volume_extension:quotas:show', { project_id: project })
  const own = context.identity?.projectId === project
  if (!own && !context.may('context_is_admin')) {
    throw commonErrors.PolicyNotAuthorized({ rule: 'volume_extension:quotas:show' })
  }
}
