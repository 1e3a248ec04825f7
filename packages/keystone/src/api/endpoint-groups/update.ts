import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { saveEndpointGroup } from '../../model/endpoint-groups/store.ts'
import { type Body, baseOf } from '../links.ts'
import { getEndpointGroup, viewEndpointGroup } from './read.ts'
import type { EndpointGroupInput } from './schema.ts'

/** PATCH /OS-EP-FILTER/endpoint_groups/{endpoint_group_id}. */
export async function updateEndpointGroup(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { endpoint_group: EndpointGroupInput }).endpoint_group
  const group = await commit(deps, async (tx) => {
    const old = await getEndpointGroup(tx, request.params.endpoint_group_id!)
    const changed = {
      ...old,
      name: given.name ?? old.name,
      description: given.description ?? old.description,
      filters: given.filters ?? old.filters,
    }
    await saveEndpointGroup(tx, changed)
    return changed
  })
  return { endpoint_group: viewEndpointGroup(group, baseOf(request, deps.publicUrl)) }
}
