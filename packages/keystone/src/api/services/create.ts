import { type Context, hexId } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { extrasOf } from '../../model/extras.ts'
import { insertService, type Service } from '../../model/services/store.ts'
import { type Body, baseOf } from '../links.ts'
import { viewService } from './read.ts'
import { known, type ServiceInput } from './schema.ts'

/** POST /services. */
export async function createService(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { service: ServiceInput }).service
  const extra = extrasOf(given, known)
  const service: Service = { id: hexId(), type: given.type!, enabled: given.enabled ?? true, extra }
  await commit(deps, (tx) => insertService(tx, service))
  return { service: viewService(service, baseOf(request, deps.publicUrl)) }
}
