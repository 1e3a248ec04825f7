import { type Context, hexId } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { extrasOf } from '../../model/extras.ts'
import { insertPolicy } from '../../model/policy-blobs/store.ts'
import { type Body, baseOf } from '../links.ts'
import { viewPolicy } from './read.ts'
import { known, type PolicyInput } from './schema.ts'

/** POST /policies. */
export async function createPolicy(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { policy: PolicyInput }).policy
  const policy = { id: hexId(), type: given.type!, blob: given.blob!, extra: extrasOf(given, known) }
  await commit(deps, (tx) => insertPolicy(tx, policy))
  return { policy: viewPolicy(policy, baseOf(request, deps.publicUrl)) }
}
