import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { forbidden, notFound } from '../../model/errors.ts'
import { rolesById } from '../../model/roles/store.ts'
import { findTrust, listTrusts as list, type Trust } from '../../model/trusts/store.ts'
import { queryText } from '../filters.ts'
import type { Target } from '../guard.ts'
import { type Body, baseOf, collection } from '../links.ts'
import { viewRole } from '../roles/view.ts'
import { viewTrust } from './view.ts'

/** Returns the trust that the path names. Throws ResourceNotFound (404) when there is none or it has expired. */
export async function getTrust({ params }: ApiRequest, deps: Deps): Promise<Trust> {
  const trust = await findTrust(deps.database.query, params.trust_id!)
  const isOver = trust?.expiresAt !== null && trust !== null && trust.expiresAt <= Date.now()
  if (!trust || isOver) throw notFound('trust', params.trust_id!)
  return trust
}

/** `%(target.trust.trustor_user_id)s` and `%(target.trust.trustee_user_id)s` of the trust in the path. */
export const trustTarget: Target = async (request, deps) => {
  const trust = await getTrust(request, deps)
  return { trust: { trustor_user_id: trust.trustorId, trustee_user_id: trust.trusteeId } }
}

/**
 * GET /OS-TRUST/trusts: all trusts for administrators; the caller's own with `trustor_user_id` or `trustee_user_id`.
 * Throws Forbidden (403).
 */
export async function listTrusts(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const trustor = queryText(request.query, 'trustor_user_id')
  const trustee = queryText(request.query, 'trustee_user_id')
  const trust = { trustor_user_id: trustor, trustee_user_id: trustee }
  const narrow = trustor ? 'identity:list_trusts_for_trustor' : 'identity:list_trusts_for_trustee'
  const rule = trustor || trustee ? narrow : 'identity:list_trusts'
  if (!context.may(rule, { target: { trust } })) throw forbidden(rule)
  const where = { ...(trustor ? { trustor_user_id: trustor } : {}), ...(trustee ? { trustee_user_id: trustee } : {}) }
  const base = baseOf(request, deps.publicUrl)
  const items = (await list(deps.database.query, where)).map((one) => viewTrust(one, base))
  return collection(request, { name: 'trusts', base, items })
}

/** GET /OS-TRUST/trusts/{trust_id}. */
export async function showTrust(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const trust = await getTrust(request, deps)
  const roles = await rolesById(deps.database.query, trust.roleIds)
  return { trust: viewTrust(trust, baseOf(request, deps.publicUrl), roles) }
}

/** GET /OS-TRUST/trusts/{trust_id}/roles. */
export async function listTrustRoles(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const trust = await getTrust(request, deps)
  const base = baseOf(request, deps.publicUrl)
  const items = (await rolesById(deps.database.query, trust.roleIds)).map((role) => viewRole(role, base))
  return collection(request, { name: 'roles', base, items })
}

/** GET and HEAD /OS-TRUST/trusts/{trust_id}/roles/{role_id}. Throws ResourceNotFound (404). */
export async function showTrustRole(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const trust = await getTrust(request, deps)
  const roleId = request.params.role_id!
  const [role] = trust.roleIds.includes(roleId) ? await rolesById(deps.database.query, [roleId]) : []
  if (!role) throw notFound('role', roleId)
  return { role: viewRole(role, baseOf(request, deps.publicUrl)) }
}
