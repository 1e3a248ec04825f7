import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { type Credential, findCredential, listCredentials as list } from '../../model/credentials/store.ts'
import type { Deps } from '../../model/deps.ts'
import { notFound } from '../../model/errors.ts'
import { readFilters } from '../filters.ts'
import { callerOf, type Target } from '../guard.ts'
import { type Body, baseOf, collection, member } from '../links.ts'
import { callerExtra } from '../tokens/subject.ts'

/** Returns the view of a credential. */
export function viewCredential(credential: Credential, base: string): Body {
  const { id, type, blob, userId, projectId } = credential
  return member(base, 'credentials', { ...credential.extra, id, type, blob, user_id: userId, project_id: projectId })
}

/** Returns the credential with this id. Throws ResourceNotFound (404). */
export async function getCredential(query: Query, id: string): Promise<Credential> {
  const credential = await findCredential(query, id)
  if (!credential) throw notFound('credential', id)
  return credential
}

const targetOf = (credential: Credential | null) => ({
  credential: { user_id: credential?.userId, project_id: credential?.projectId },
})

/** `%(target.credential.user_id)s` and `%(target.credential.project_id)s` of the credential in the path. */
export const credentialTarget: Target = async ({ params }, deps) =>
  targetOf(await findCredential(deps.database.query, params.credential_id!))

/**
 * Returns true when the caller's token has access to the project's credentials. A delegated token has access only to
 * its own project's.
 */
export function isAccessible(context: Context, projectId: string | null, deps: Deps): boolean {
  const caller = callerOf(context)
  const isDelegated = caller.appCredentialId !== null || callerExtra(context, deps).trust !== undefined
  return !isDelegated || projectId === caller.projectId
}

/** GET /credentials: the credentials that the caller may see; filters by user_id and type. */
export async function listCredentials(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const filters = readFilters(request.query, { user_id: 'text', type: 'text' })
  const found = await list(deps.database.query, filters.exact)
  const seen = found.filter((one) => context.may('identity:get_credential', { target: targetOf(one) }))
  const accessible = seen.filter((one) => isAccessible(context, one.projectId, deps))
  const items = accessible.map((one) => viewCredential(one, base)).filter(filters.matches)
  return collection(request, { name: 'credentials', base, items })
}

/**
 * GET /credentials/{credential_id}. Throws ResourceNotFound (404), also when the token has no access to its project.
 */
export async function showCredential(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const credential = await getCredential(deps.database.query, request.params.credential_id!)
  if (!isAccessible(context, credential.projectId, deps)) throw notFound('credential', credential.id)
  return { credential: viewCredential(credential, baseOf(request, deps.publicUrl)) }
}
