import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { notFound } from '../../model/errors.ts'
import { findGroup, type Group } from '../../model/groups/store.ts'
import { type Body, baseOf } from '../links.ts'
import { viewGroup } from './view.ts'

/** Returns the group with this id. Throws ResourceNotFound (404). */
export async function getGroup(query: Query, id: string): Promise<Group> {
  const group = await findGroup(query, id)
  if (!group) throw notFound('group', id)
  return group
}

/** GET /groups/{group_id}. */
export async function showGroup(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const group = await getGroup(deps.database.query, request.params.group_id!)
  return { group: viewGroup(group, baseOf(request, deps.publicUrl)) }
}
