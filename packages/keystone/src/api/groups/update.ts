import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { invalid } from '../../model/errors.ts'
import { mergeExtras } from '../../model/extras.ts'
import { saveGroup } from '../../model/groups/store.ts'
import { type Body, baseOf } from '../links.ts'
import { type GroupInput, known } from './schema.ts'
import { getGroup } from './show.ts'
import { viewGroup } from './view.ts'

/** PATCH /groups/{group_id}. */
export async function updateGroup(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { group: GroupInput }).group
  const group = await commit(deps, async (tx) => {
    const old = await getGroup(tx, request.params.group_id!)
    if (given.domain_id !== undefined && given.domain_id !== old.domainId) throw invalid('Cannot change Domain ID')
    const changed = {
      ...old,
      name: given.name ?? old.name,
      description: given.description ?? old.description,
      extra: mergeExtras(old.extra, given, known),
    }
    await saveGroup(tx, changed)
    return changed
  })
  return { group: viewGroup(group, baseOf(request, deps.publicUrl)) }
}
