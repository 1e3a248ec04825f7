import { countWildcards, maxWildcards } from '@hearth/auth'
import { type AccessRule, type Context, hexId, randomSecret } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { findRuleByContent, findRuleOf, insertRule } from '../../model/access-rules/store.ts'
import { type AppCredential, insertAppCredential } from '../../model/application-credentials/store.ts'
import { rolesInProject } from '../../model/assignments/effective.ts'
import { commit, type Deps } from '../../model/deps.ts'
import { forbidden, invalid, notFound } from '../../model/errors.ts'
import { hashPassword } from '../../model/passwords.ts'
import { globalRolesByName, type Role } from '../../model/roles/store.ts'
import { parseTime } from '../../model/times.ts'
import { callerOf } from '../guard.ts'
import { type Body, baseOf } from '../links.ts'
import { getProject } from '../projects/show.ts'
import { callerExtra } from '../tokens/subject.ts'
import type { AppCredentialInput } from './schema.ts'
import { viewAppCredential } from './view.ts'

/**
 * POST /users/{user_id}/application_credentials: creates a credential for the project of the caller's token. Only this
 * response shows the secret. Throws InvalidRequest (400) for roles that the caller lacks, Forbidden (403) for a
 * delegated token, AlreadyExists (409).
 */
export async function createAppCredential(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { application_credential: AppCredentialInput }).application_credential
  const caller = callerOf(context)
  assertMayDelegate(context, deps)
  if (!caller.projectId) throw invalid('An application credential needs a project-scoped token.')
  const secret = given.secret ?? randomSecret(64)
  const { query } = deps.database
  const credential: AppCredential = {
    id: hexId(),
    userId: caller.userId,
    projectId: caller.projectId,
    name: given.name,
    description: given.description ?? null,
    secretHash: await hashPassword(secret, { address: request.clientAddress }),
    roleIds: chooseRoles(await heldRoles(context, query), given.roles),
    unrestricted: given.unrestricted ?? false,
    expiresAtMicros: readExpiry(given.expires_at),
    accessRules: null,
  }
  await commit(deps, async (tx) => {
    if (given.access_rules?.length) {
      credential.accessRules = []
      for (const rule of given.access_rules) credential.accessRules.push(await ruleOf(tx, caller.userId, rule))
      assertFitsToken(credential.accessRules)
    }
    await insertAppCredential(tx, credential)
  })
  const body = await viewAppCredential(query, credential, baseOf(request, deps.publicUrl))
  return { application_credential: { ...body, secret } }
}

/** Throws Forbidden (403) for a token of a trust or of a restricted application credential. */
export function assertMayDelegate(context: Context, deps: Deps): void {
  const extra = callerExtra(context, deps)
  if (extra.trust) throw forbidden('a token of a trust cannot manage application credentials.')
  if (callerOf(context).appCredentialId && !extra.unrestricted)
    throw forbidden('a restricted application credential cannot manage application credentials.')
}

async function heldRoles(context: Context, query: Query): Promise<Role[]> {
  const caller = callerOf(context)
  if (caller.appCredentialId) return globalRolesByName(query, caller.roles)
  return rolesInProject(query, caller.userId, await getProject(query, caller.projectId!))
}

function chooseRoles(held: Role[], wanted: AppCredentialInput['roles']): string[] {
  if (!wanted || wanted.length === 0) return held.map((role) => role.id)
  return wanted.map(({ id, name }) => {
    const role = held.find((one) => (id === undefined ? one.name === name : one.id === id))
    if (!role) throw invalid(`Invalid application credential: could not find role assignment with role ${id ?? name}.`)
    return role.id
  })
}

function readExpiry(text: string | null | undefined): number | null {
  if (text === null || text === undefined) return null
  const micros = parseTime(text)
  if (micros === null) throw invalid(`${text} is not a time.`)
  if (micros <= Date.now() * 1000) throw invalid('The expiration is in the past.')
  return micros
}

/**
 * Longest access rules, bytes of JSON. Every token contains them, and the object store accepts no header above 8 KiB.
 */
const maxRuleBytes = 4096

/** Throws InvalidRequest (400) for access rules that make a token too long to be sent. */
function assertFitsToken(rules: Required<AccessRule>[]): void {
  const bytes = Buffer.byteLength(JSON.stringify(rules))
  if (bytes > maxRuleBytes)
    throw invalid(`The access rules take ${bytes} bytes as JSON with their ids; at most ${maxRuleBytes} are allowed.`)
}

/**
 * Throws InvalidRequest (400) for a path with more wildcards than a rule may have, or with a brace without its partner.
 */
function assertWildcards(path: string): void {
  const count = countWildcards(path)
  if (count === null) throw invalid(`The path of access rule ${path} has a brace without its partner.`)
  if (count > maxWildcards)
    throw invalid(`The path of access rule ${path} has ${count} wildcards; at most ${maxWildcards} are allowed.`)
}

/** Returns the user's access rule with this id or content; creates a rule with this content when there is none. */
async function ruleOf(
  query: Query,
  userId: string,
  given: NonNullable<AppCredentialInput['access_rules']>[number],
): Promise<Required<AccessRule>> {
  if (given.id !== undefined) {
    const rule = await findRuleOf(query, userId, given.id)
    if (!rule) throw notFound('access rule', given.id)
    return rule
  }
  const content = { service: given.service!, method: given.method!, path: given.path! }
  assertWildcards(content.path)
  const existing = await findRuleByContent(query, userId, content)
  if (existing) return existing
  const rule = { id: hexId(), ...content }
  await insertRule(query, userId, rule)
  return rule
}
