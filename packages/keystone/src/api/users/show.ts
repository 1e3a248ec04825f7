import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { notFound } from '../../model/errors.ts'
import { findUser, type User } from '../../model/users/store.ts'
import type { Body } from '../links.ts'
import { viewUser } from './view.ts'

/** Returns the user with this id. Throws ResourceNotFound (404). */
export async function getUser(query: Query, id: string): Promise<User> {
  const user = await findUser(query, id)
  if (!user) throw notFound('user', id)
  return user
}

/** GET /users/{user_id}. */
export async function showUser(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const user = await getUser(deps.database.query, request.params.user_id!)
  return { user: viewUser(user, request, deps) }
}
