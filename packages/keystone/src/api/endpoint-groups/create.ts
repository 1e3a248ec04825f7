import { type Context, hexId } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { type EndpointGroup, insertEndpointGroup } from '../../model/endpoint-groups/store.ts'
import { type Body, baseOf } from '../links.ts'
import { viewEndpointGroup } from './read.ts'
import type { EndpointGroupInput } from './schema.ts'

/** POST /OS-EP-FILTER/endpoint_groups. */
export async function createEndpointGroup(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { endpoint_group: EndpointGroupInput }).endpoint_group
  const group: EndpointGroup = {
    id: hexId(),
    name: given.name!,
    description: given.description ?? '',
    filters: given.filters!,
  }
  await commit(deps, (tx) => insertEndpointGroup(tx, group))
  return { endpoint_group: viewEndpointGroup(group, baseOf(request, deps.publicUrl)) }
}
