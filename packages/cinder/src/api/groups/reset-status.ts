import type { Context } from '@hearth/core'
import { move } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { resetGroupStates, resettableGroups } from '../../model/groups/states.ts'
import type { ApiDeps } from '../deps.ts'
import { groupFor } from './list.ts'

/** POST /groups/{id}/action reset_status, for administrators. */
export async function resetGroupStatus(context: Context, request: ApiRequest, deps: ApiDeps): Promise<void> {
  const status = (request.body as { reset_status: { status: string } }).reset_status.status.toLowerCase()
  if (!resettableGroups.includes(status)) throw errors.InvalidGroup({ reason: `Invalid group status: ${status}` })
  await deps.database.transaction(async (tx) => {
    const { id } = await groupFor(context, tx, request.params.id!, 'group:reset_status')
    await move(tx, { table: 'volume_groups', id, to: status, states: resetGroupStates })
  })
}
