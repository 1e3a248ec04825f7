import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { memberIds, removeGroup } from '../../model/groups/store.ts'
import { revoke } from '../../model/tokens/store.ts'
import { getGroup } from './show.ts'

/** DELETE /groups/{group_id}. Revokes the tokens of the members, who may have lost roles. */
export async function deleteGroup(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await commit(deps, async (tx) => {
    const group = await getGroup(tx, request.params.group_id!)
    const members = await memberIds(tx, group.id)
    await removeGroup(tx, group.id)
    await revoke(
      tx,
      members.map((userId) => ({ userId })),
      deps,
    )
  })
}
