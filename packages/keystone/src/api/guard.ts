import { type Context, commonErrors, type Identity } from '@hearth/core'
import type { ApiRequest, Route } from '@hearth/http'
import type { Deps } from '../model/deps.ts'
import { errors } from '../model/errors.ts'

/** Finds the attributes of the resource that a request acts on, for rules that read `%(target.user.id)s`. */
export type Target = (request: ApiRequest, deps: Deps, context: Context) => Promise<Record<string, unknown>>

/** A route of the identity API. Its policy compares the caller with the resource, which `target` finds. */
export interface IdentityRoute extends Route<Deps> {
  target?: Target
}

/**
 * Returns the route with its policy checked after the target is found. Policies read path parameters as `%(user_id)s`
 * and the attributes from `target` as `%(target.…)s`. Before that, only a valid token is required.
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

/** Returns the caller's identity. Throws Unauthorized (401) without a token. */
export function callerOf(context: Context): Identity {
  if (!context.identity) throw commonErrors.Unauthorized()
  return context.identity
}
