import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { notFound } from '../../model/errors.ts'
import { findRole, type Role } from '../../model/roles/store.ts'
import { type Body, baseOf } from '../links.ts'
import { viewRole } from './view.ts'

/** Returns the role with this id. Throws ResourceNotFound (404). */
export async function getRole(query: Query, id: string): Promise<Role> {
  const role = await findRole(query, id)
  if (!role) throw notFound('role', id)
  return role
}

/** GET /roles/{role_id}. */
export async function showRole(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const role = await getRole(deps.database.query, request.params.role_id!)
  return { role: viewRole(role, baseOf(request, deps.publicUrl)) }
}
