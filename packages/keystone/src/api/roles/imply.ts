import type { Context } from '@hearth/core'
import { type ApiRequest, Reply } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { forbidden, notFound } from '../../model/errors.ts'
import {
  hasImplication,
  insertImplication,
  listImplications,
  type Role,
  removeImplication,
  rolesById,
} from '../../model/roles/store.ts'
import { revoke } from '../../model/tokens/store.ts'
import { type Body, baseOf } from '../links.ts'
import { getRole } from './show.ts'

/**
 * Name of the role that no role can imply, so that a user cannot become administrator by implication; Keystone's
 * `prohibited_implied_role`.
 */
const neverImplied = 'admin'

/** GET /roles/{prior_role_id}/implies: direct implications only. */
export async function listImplied(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const { query } = deps.database
  const prior = await getRole(query, request.params.prior_role_id!)
  const implied = await rolesById(
    query,
    (await listImplications(query, prior.id)).map((one) => one.impliedId),
  )
  const implies = implied.map((role) => short(role, base))
  const self = `${base}/roles/${prior.id}/implies`
  return { role_inference: { prior_role: short(prior, base), implies }, links: { self, next: null, previous: null } }
}

/** GET and HEAD /roles/{prior_role_id}/implies/{implied_role_id}. Throws ResourceNotFound (404). */
export async function showImplied(_context: Context, request: ApiRequest, deps: Deps): Promise<unknown> {
  const { prior_role_id, implied_role_id } = request.params as { prior_role_id: string; implied_role_id: string }
  if (!(await hasImplication(deps.database.query, prior_role_id, implied_role_id)))
    throw notFound('role inference rule', `${prior_role_id} to ${implied_role_id}`)
  return request.method === 'HEAD' ? new Reply(204) : inferenceBody(request, deps)
}

/**
 * PUT /roles/{prior_role_id}/implies/{implied_role_id}. Throws Forbidden (403) for an implication of `admin`, or from a
 * global role to a role of a domain.
 */
export async function imply(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const { prior_role_id, implied_role_id } = request.params as { prior_role_id: string; implied_role_id: string }
  await commit(deps, async (tx) => {
    const prior = await getRole(tx, prior_role_id)
    const implied = await getRole(tx, implied_role_id)
    if (implied.domainId !== null && prior.domainId === null)
      throw forbidden('a global role cannot imply the role of a domain.')
    if (implied.name === neverImplied) throw forbidden(`${implied.name} cannot be an implied role.`)
    await insertImplication(tx, prior.id, implied.id)
  })
  return inferenceBody(request, deps)
}

/** DELETE /roles/{prior_role_id}/implies/{implied_role_id}: revokes the tokens with a global prior role. */
export async function unimply(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const { prior_role_id, implied_role_id } = request.params as { prior_role_id: string; implied_role_id: string }
  await commit(deps, async (tx) => {
    if (!(await removeImplication(tx, prior_role_id, implied_role_id)))
      throw notFound('role inference rule', `${prior_role_id} to ${implied_role_id}`)
    const prior = await getRole(tx, prior_role_id)
    if (prior.domainId === null) await revoke(tx, [{ roleName: prior.name }], deps)
  })
}

/** GET /role_inferences. */
export async function listInferences(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const { query } = deps.database
  const byPrior = Map.groupBy(await listImplications(query), (one) => one.priorId)
  const ids = [...byPrior].flatMap(([prior, implied]) => [prior, ...implied.map((one) => one.impliedId)])
  const roles = new Map((await rolesById(query, [...new Set(ids)])).map((role) => [role.id, short(role, base)]))
  const role_inferences = [...byPrior].map(([prior, implied]) => ({
    prior_role: roles.get(prior),
    implies: implied.map((one) => roles.get(one.impliedId)),
  }))
  return { role_inferences, links: { self: `${base}/role_inferences`, next: null, previous: null } }
}

async function inferenceBody(request: ApiRequest, deps: Deps): Promise<Body> {
  const { prior_role_id, implied_role_id } = request.params as { prior_role_id: string; implied_role_id: string }
  const base = baseOf(request, deps.publicUrl)
  const prior = await getRole(deps.database.query, prior_role_id)
  const implied = await getRole(deps.database.query, implied_role_id)
  const self = `${base}/roles/${prior.id}/implies/${implied.id}`
  return { role_inference: { prior_role: short(prior, base), implies: short(implied, base) }, links: { self } }
}

const short = (role: Role, base: string): Body => ({
  id: role.id,
  name: role.name,
  links: { self: `${base}/roles/${role.id}` },
})
