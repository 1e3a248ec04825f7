import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { errors, invalid } from '../../model/errors.ts'
import { parseTime, writeTime } from '../../model/times.ts'
import { eventRange, listEvents } from '../../model/tokens/store.ts'
import { queryText } from '../filters.ts'
import { type Body, baseOf, collection } from '../links.ts'

/** GET /OS-REVOKE/events: the revocations in Keystone's format; with `since`, those from that time on. */
export async function listRevokeEvents(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const since = parseTime(queryText(request.query, 'since') ?? '')
  const events = (await listEvents(deps.database.query, 0)).filter(
    (one) => since === null || one.revokedAt * 1000 >= since,
  )
  const items = events.map((event) => ({
    ...given('audit_id', event.auditId),
    ...given('audit_chain_id', event.auditChainId),
    ...given('user_id', event.userId),
    ...given('project_id', event.projectId),
    ...given('domain_id', event.domainId),
    ...given('role_name', event.roleName),
    ...given('application_credential_id', event.appCredentialId),
    issued_before: writeTime(event.issuedBefore),
  }))
  return collection(request, { name: 'events', base: baseOf(request, deps.publicUrl), items })
}

const given = (key: string, value: string | null | undefined): Body => (value ? { [key]: value } : {})

const pageSize = 1000

/**
 * GET /.well-known/revocations?after=N: at most 1000 events with numbers above `after`, for the other services of
 * Hearth, which read them with the token of a service user to check tokens by themselves. Throws InvalidRequest (400)
 * for an `after` that is not a number.
 */
export async function listSequencedEvents(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const text = queryText(request.query, 'after') ?? '0'
  const after = /^\d{1,15}$/.test(text) ? Number(text) : null
  if (after === null) throw invalid('after must be the number of an event.')
  const { query } = deps.database
  // The range is read before the events: an event made in between appears again in the next response.
  const range = await eventRange(query)
  const events = await listEvents(query, after, pageSize)
  return { ...range, events, keyIds: [...deps.tokens.keys().keys()] }
}

/** GET /.well-known/jwks.json: the public keys that verify tokens. */
export async function showKeys(_context: Context, _request: ApiRequest, deps: Deps): Promise<Body> {
  return deps.tokens.jwks()
}

/** GET /auth/tokens/OS-PKI/revoked. Always throws Gone (410), because upstream removed it with PKI tokens. */
export async function listPkiRevocations(): Promise<never> {
  throw errors.Gone()
}
