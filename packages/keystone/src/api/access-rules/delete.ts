import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { isUsed, removeRule } from '../../model/access-rules/store.ts'
import { commit, type Deps } from '../../model/deps.ts'
import { forbidden } from '../../model/errors.ts'
import { getAccessRule } from './read.ts'

/**
 * DELETE /users/{user_id}/access_rules/{access_rule_id}. Throws Forbidden (403) while an application credential uses
 * the rule.
 */
export async function deleteAccessRule(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await commit(deps, async (tx) => {
    const rule = await getAccessRule(tx, request)
    if (await isUsed(tx, rule.id)) throw forbidden('the access rule is in use by an application credential.')
    await removeRule(tx, rule.id)
  })
}
