import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { mergeExtras } from '../../model/extras.ts'
import { savePolicy } from '../../model/policy-blobs/store.ts'
import { type Body, baseOf } from '../links.ts'
import { getPolicy, viewPolicy } from './read.ts'
import { known, type PolicyInput } from './schema.ts'

/** PATCH /policies/{policy_id}. */
export async function updatePolicy(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { policy: PolicyInput }).policy
  const policy = await commit(deps, async (tx) => {
    const old = await getPolicy(tx, request.params.policy_id!)
    const extra = mergeExtras(old.extra, given, known)
    const changed = { ...old, type: given.type ?? old.type, blob: given.blob ?? old.blob, extra }
    await savePolicy(tx, changed)
    return changed
  })
  return { policy: viewPolicy(policy, baseOf(request, deps.publicUrl)) }
}
