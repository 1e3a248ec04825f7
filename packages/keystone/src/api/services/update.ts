import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { mergeExtras } from '../../model/extras.ts'
import { saveService } from '../../model/services/store.ts'
import { type Body, baseOf } from '../links.ts'
import { getService, viewService } from './read.ts'
import { known, type ServiceInput } from './schema.ts'

/** PATCH /services/{service_id}. */
export async function updateService(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { service: ServiceInput }).service
  const service = await commit(deps, async (tx) => {
    const old = await getService(tx, request.params.service_id!)
    const extra = mergeExtras(old.extra, given, known)
    const changed = { ...old, type: given.type ?? old.type, enabled: given.enabled ?? old.enabled, extra }
    await saveService(tx, changed)
    return changed
  })
  return { service: viewService(service, baseOf(request, deps.publicUrl)) }
}
