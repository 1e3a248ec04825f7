import { type Context, hexId } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { rolesInProject } from '../../model/assignments/effective.ts'
import { commit, type Deps } from '../../model/deps.ts'
import { forbidden, invalid, notFound } from '../../model/errors.ts'
import { type Role, rolesById } from '../../model/roles/store.ts'
import { parseTime } from '../../model/times.ts'
import { insertTrust, type Trust } from '../../model/trusts/store.ts'
import { callerOf } from '../guard.ts'
import { type Body, baseOf } from '../links.ts'
import { getProject } from '../projects/show.ts'
import { callerExtra } from '../tokens/subject.ts'
import { getUser } from '../users/show.ts'
import type { TrustInput } from './schema.ts'
import { viewTrust } from './view.ts'

/**
 * POST /OS-TRUST/trusts: only the trustor can create a trust. Throws Forbidden (403) for other callers and for
 * delegated tokens, ResourceNotFound (404) for an unknown trustee, project or role, InvalidRequest (400) for an invalid
 * expiry.
 */
export async function createTrust(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { trust: TrustInput }).trust
  const caller = callerOf(context)
  assertNotDelegated(context, deps)
  if (given.trustor_user_id !== caller.userId) throw forbidden('the trustor must be the caller.')
  const expiresAt = readExpiry(given.expires_at)
  const trust = await commit(deps, async (tx) => {
    await getUser(tx, given.trustee_user_id)
    const made: Trust = {
      id: hexId(),
      trustorId: given.trustor_user_id,
      trusteeId: given.trustee_user_id,
      projectId: given.project_id ?? null,
      impersonation: given.impersonation,
      roleIds: await delegatedRoles(tx, given),
      expiresAt,
      remainingUses: given.remaining_uses ?? null,
      redelegationCount: 0,
    }
    await insertTrust(tx, made)
    return made
  })
  const roles = await rolesById(deps.database.query, trust.roleIds)
  return { trust: viewTrust(trust, baseOf(request, deps.publicUrl), roles) }
}

/** Throws Forbidden (403) for a delegated token, because a delegated role cannot be delegated again. */
export function assertNotDelegated(context: Context, deps: Deps): void {
  if (callerOf(context).appCredentialId) throw forbidden('an application credential cannot use trusts.')
  if (callerExtra(context, deps).trust) throw forbidden('a token of a trust cannot manage trusts.')
}

async function delegatedRoles(query: Query, given: TrustInput): Promise<string[]> {
  if (!given.project_id) {
    if (given.roles?.length) throw invalid('Roles are delegated for a project.')
    return []
  }
  if (!given.roles?.length) throw forbidden('at least one role should be specified.')
  const held = await rolesInProject(query, given.trustor_user_id, await getProject(query, given.project_id))
  return given.roles.map((wanted) => heldRole(held, wanted).id)
}

function heldRole(held: Role[], { id, name }: { id?: string; name?: string }): Role {
  const role = held.find((one) => (id === undefined ? one.name === name : one.id === id))
  if (!role) throw notFound('role', id ?? name!)
  return role
}

function readExpiry(text: string | null | undefined): number | null {
  if (text === null || text === undefined) return null
  const micros = parseTime(text)
  if (micros === null) throw invalid(`${text} is not a time.`)
  if (micros <= Date.now() * 1000) throw invalid('The expiration is in the past.')
  return Math.floor(micros / 1000)
}
