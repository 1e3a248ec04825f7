import type { Context } from '@hearth/core'
import { type ApiRequest, Reply } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { globalRolesByName } from '../../model/roles/store.ts'
import { loadSubject } from './subject.ts'
import { viewToken } from './view.ts'

/** GET and HEAD /auth/tokens: the claims of the token in X-Subject-Token. Throws TokenNotFound (404). */
export async function validate(_context: Context, request: ApiRequest, deps: Deps): Promise<Reply> {
  const subject = await loadSubject(request, deps)
  const headers = { 'x-subject-token': String(request.headers['x-subject-token']) }
  if (request.method === 'HEAD') return new Reply(200, undefined, headers)
  const { roles: names } = subject.identity
  const roles = names.length === 0 ? [] : await globalRolesByName(deps.database.query, names)
  const byName = new Map(roles.map((role) => [role.name, role]))
  const withCatalog = !('nocatalog' in request.query)
  const found = names.flatMap((name) => byName.get(name) ?? [])
  return new Reply(200, { token: await viewToken({ ...subject, roles: found, withCatalog }, deps) }, headers)
}
