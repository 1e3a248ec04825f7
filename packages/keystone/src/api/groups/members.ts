import { type Context, own } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { notFound } from '../../model/errors.ts'
import { insertMember, isMember, memberIds, removeMember } from '../../model/groups/store.ts'
import { revoke } from '../../model/tokens/store.ts'
import { usersById } from '../../model/users/store.ts'
import { readFilters } from '../filters.ts'
import { type Body, baseOf, collection } from '../links.ts'
import { getUser } from '../users/show.ts'
import { viewUser } from '../users/view.ts'
import { getGroup } from './show.ts'

/** GET /groups/{group_id}/users: filters by name and enabled. */
export async function listMembers(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const { query } = deps.database
  const group = await getGroup(query, request.params.group_id!)
  const filters = readFilters(request.query, { name: 'text', enabled: 'boolean' })
  const users = await usersById(query, await memberIds(query, group.id))
  const views = users.map((user) => viewUser(user, request, deps)).filter(filters.matches)
  const items = views.filter((item) => Object.entries(filters.exact).every(([key, value]) => own(item, key) === value))
  return collection(request, { name: 'users', base, items })
}

/** PUT /groups/{group_id}/users/{user_id}. */
export async function addMember(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const { group_id, user_id } = request.params as { group_id: string; user_id: string }
  await commit(deps, async (tx) => {
    await getGroup(tx, group_id)
    await getUser(tx, user_id)
    await insertMember(tx, group_id, user_id)
  })
}

/** HEAD and GET /groups/{group_id}/users/{user_id}. Throws ResourceNotFound (404) for a user who is not a member. */
export async function checkMember(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const { group_id, user_id } = request.params as { group_id: string; user_id: string }
  await getGroup(deps.database.query, group_id)
  if (!(await isMember(deps.database.query, group_id, user_id))) throw notFound('user in group', user_id)
}

/** DELETE /groups/{group_id}/users/{user_id}. Revokes the tokens of the user, who may have lost roles. */
export async function removeFromGroup(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const { group_id, user_id } = request.params as { group_id: string; user_id: string }
  await commit(deps, async (tx) => {
    await getGroup(tx, group_id)
    if (!(await removeMember(tx, group_id, user_id))) throw notFound('user in group', user_id)
    await revoke(tx, [{ userId: user_id }], deps)
  })
}
