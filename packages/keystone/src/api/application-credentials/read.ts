import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { type AppCredential, findAppCredential, listAppCredentials } from '../../model/application-credentials/store.ts'
import type { Deps } from '../../model/deps.ts'
import { notFound } from '../../model/errors.ts'
import { queryText } from '../filters.ts'
import { type Body, baseOf, collection } from '../links.ts'
import { viewAppCredential } from './view.ts'

/** GET /users/{user_id}/application_credentials: filters by name. */
export async function listCredentials(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const { query } = deps.database
  const name = queryText(request.query, 'name')
  const found = await listAppCredentials(query, { user_id: request.params.user_id!, ...(name ? { name } : {}) })
  const items: Body[] = []
  for (const credential of found) items.push(await viewAppCredential(query, credential, base))
  return collection(request, { name: 'application_credentials', base, items })
}

/** GET /users/{user_id}/application_credentials/{id}. Throws ResourceNotFound (404). */
export async function showCredential(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const { query } = deps.database
  const credential = await getAppCredential(query, request)
  return { application_credential: await viewAppCredential(query, credential, baseOf(request, deps.publicUrl)) }
}

/** Returns the application credential that the path names. Throws ResourceNotFound (404). */
export async function getAppCredential(query: Query, { params }: ApiRequest): Promise<AppCredential> {
  const id = params.application_credential_id!
  const credential = await findAppCredential(query, id)
  if (credential?.userId !== params.user_id) throw notFound('application credential', id)
  return credential!
}
