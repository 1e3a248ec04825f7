import type { Context } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { allResources, readDefaults, writeClassLimits } from '../../model/quotas/store.ts'
import { parseLimits } from './limits.ts'

type Deps = { database: Database }

/** GET /os-quota-class-sets/{class}. */
export async function showQuotaClass(_context: Context, request: ApiRequest, deps: Deps) {
  const name = request.params.class!
  const limits = await readDefaults(deps.database.query, undefined, name)
  return { quota_class_set: { id: name, ...Object.fromEntries(limits) } }
}

/** PUT /os-quota-class-sets/{class}: limits of `default` hold for every project without its own. */
export async function updateQuotaClass(_context: Context, request: ApiRequest, deps: Deps) {
  const name = request.params.class!
  const body = (request.body as { quota_class_set: Record<string, unknown> }).quota_class_set
  const { class_name: _echoed, ...wanted } = body
  const limits = await deps.database.transaction(async (tx) => {
    await writeClassLimits(tx, name, parseLimits(wanted, await allResources(tx), 'quota class set'))
    return readDefaults(tx, undefined, name)
  })
  return { quota_class_set: Object.fromEntries(limits) }
}
