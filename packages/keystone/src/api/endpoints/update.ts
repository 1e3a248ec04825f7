import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { type Endpoint, saveEndpoint } from '../../model/endpoints/store.ts'
import { invalid } from '../../model/errors.ts'
import { mergeExtras } from '../../model/extras.ts'
import { findService } from '../../model/services/store.ts'
import { type Body, baseOf } from '../links.ts'
import { getEndpoint, viewEndpoint } from './read.ts'
import { chooseRegion } from './region.ts'
import { type EndpointInput, known } from './schema.ts'

/** PATCH /endpoints/{endpoint_id}. Throws InvalidRequest (400) for an unknown service or region. */
export async function updateEndpoint(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { endpoint: EndpointInput }).endpoint
  const endpoint = await commit(deps, async (tx) => {
    const old = await getEndpoint(tx, request.params.endpoint_id!)
    if (given.service_id !== undefined && !(await findService(tx, given.service_id)))
      throw invalid(`Service ${given.service_id} does not exist.`)
    const regionId = await chooseRegion(tx, given)
    const changed: Endpoint = {
      ...old,
      serviceId: given.service_id ?? old.serviceId,
      interface: given.interface ?? old.interface,
      regionId: regionId === undefined ? old.regionId : regionId,
      url: given.url ?? old.url,
      enabled: given.enabled ?? old.enabled,
      extra: mergeExtras(old.extra, given, known),
    }
    await saveEndpoint(tx, changed)
    return changed
  })
  return { endpoint: viewEndpoint(endpoint, baseOf(request, deps.publicUrl)) }
}
