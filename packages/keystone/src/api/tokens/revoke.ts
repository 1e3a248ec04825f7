import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { revoke as record } from '../../model/tokens/store.ts'
import { readSubject } from './subject.ts'

/** DELETE /auth/tokens: revokes this token only; other tokens of its chain stay valid. Throws TokenNotFound (404). */
export async function revoke(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const { identity } = readSubject(request, deps)
  await commit(deps, (tx) => record(tx, [{ auditId: identity.auditIds[0]! }], deps))
}
