import { type Context, hexId } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { type Endpoint, insertEndpoint } from '../../model/endpoints/store.ts'
import { invalid } from '../../model/errors.ts'
import { extrasOf } from '../../model/extras.ts'
import { findService } from '../../model/services/store.ts'
import { type Body, baseOf } from '../links.ts'
import { viewEndpoint } from './read.ts'
import { chooseRegion } from './region.ts'
import { type EndpointInput, known } from './schema.ts'

/** POST /endpoints. Throws InvalidRequest (400) for an unknown service or region. */
export async function createEndpoint(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { endpoint: EndpointInput }).endpoint
  const endpoint = await commit(deps, async (tx) => {
    if (!(await findService(tx, given.service_id!))) throw invalid(`Service ${given.service_id} does not exist.`)
    const made: Endpoint = {
      id: hexId(),
      serviceId: given.service_id!,
      interface: given.interface!,
      regionId: (await chooseRegion(tx, given)) ?? null,
      url: given.url!,
      enabled: given.enabled ?? true,
      extra: extrasOf(given, known),
    }
    await insertEndpoint(tx, made)
    return made
  })
  return { endpoint: viewEndpoint(endpoint, baseOf(request, deps.publicUrl)) }
}
