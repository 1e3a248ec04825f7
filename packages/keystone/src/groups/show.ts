import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../deps.ts'
import { notFound } from '../errors.ts'
import { type Body, baseOf } from '../links.ts'
import { renderGroup } from './render.ts'
import { findGroup, type Group } from './store.ts'

/** Throws ResourceNotFound (404). */
export async function needGroup(query: Query, id: string): Promise<Group> {
  const group = await findGroup(query, id)
  if (!group) throw notFound('group', id)
  return group
}

/** GET /groups/{group_id}. */
export async function showGroup(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const group = await needGroup(deps.database.query, request.params.group_id!)
  return { group: renderGroup(group, baseOf(request, deps.publicUrl)) }
}
