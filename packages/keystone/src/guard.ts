import { type Context, commonErrors, type Identity } from '@hearth/core'
import type { ApiRequest, Route } from '@hearth/http'
import type { Deps } from './deps.ts'
import { errors } from './errors.ts'

/** Attributes of the thing acted on, found by the request, for rules that read `%(target.user.id)s`. */
export type Target = (request: ApiRequest, deps: Deps, context: Context) => Promise<Record<string, unknown>>

/** A row of the identity API. Its rules compare the caller with what is acted on, so `target` says how to find that. */
export interface IdentityRoute extends Route<Deps> {
  target?: Target
}

/**
 * The row with its policy checked once the target is known, where path parameters are `%(user_id)s` and what `target`
 * finds is `%(target.…)s`. Until then only a good token is asked for.
 */
export function guard(row: IdentityRoute): Route<Deps> {
  const { policy, target, operation, ...rest } = row
  if (policy === null) return { ...rest, policy, operation }
  return {
    ...rest,
    policy: 'identity:token_required',
    async operation(context, request, deps) {
      const found = target ? await target(request, deps, context) : {}
      if (!context.may(policy, { ...request.params, target: found })) throw errors.Forbidden({ reason: policy })
      return operation(context, request, deps)
    },
  }
}

/** Who is asking. Throws 401 for nobody. */
export function callerOf(context: Context): Identity {
  if (!context.identity) throw commonErrors.Unauthorized()
  return context.identity
}
