import { type Context, commonErrors, own } from '@hearth/core'
import { findGroup } from '../model/groups/store.ts'
import type { Filters } from '../model/list-query.ts'
import { findProject } from '../model/projects/store.ts'
import { findRole } from '../model/roles/store.ts'
import { findUser } from '../model/users/store.ts'
import { queryText } from './filters.ts'
import type { Target } from './guard.ts'

/** Returns the domain of a new resource whose body names none: the domain of the caller's scope, or `default`. */
export function callerDomain(context: Context): string {
  const { identity } = context
  if (!identity) throw commonErrors.Unauthorized()
  return identity.domainId ?? identity.projectDomainId ?? 'default'
}

/** `%(target.user.id)s` and `%(target.user.domain_id)s` of the user in the path. */
export const userTarget: Target = async ({ params }, deps) => {
  const user = await findUser(deps.database.query, params.user_id!)
  return { user: { id: params.user_id, domain_id: user?.domainId } }
}

/** `%(target.group.id)s` and `%(target.group.domain_id)s` of the group in the path. */
export const groupTarget: Target = async ({ params }, deps) => {
  const group = await findGroup(deps.database.query, params.group_id!)
  return { group: { id: params.group_id, domain_id: group?.domainId } }
}

/** `%(target.project.id)s` and `%(target.project.domain_id)s` of the project in the path. */
export const projectTarget: Target = async ({ params }, deps) => {
  const project = await findProject(deps.database.query, params.project_id!)
  return { project: { id: params.project_id, domain_id: project?.domainId ?? project?.id } }
}

/** `%(target.domain.id)s` of the domain in the path. */
export const domainTarget: Target = async ({ params }) => ({ domain: { id: params.domain_id } })

/** `%(target.domain_id)s` of a list call: the domain that it filters by, else the domain of the caller's token. */
export const listTarget: Target = async ({ query }, _deps, context) => ({
  domain_id: queryText(query, 'domain_id') ?? context.identity?.domainId ?? undefined,
})

/**
 * Returns the filters of a list call, limited to the token's domain when the token is scoped to one. Returns null when
 * they name another domain.
 */
export function withinDomain(context: Context, exact: Filters['exact']): Filters['exact'] | null {
  const own = context.identity?.domainId
  if (!own) return exact
  return exact.domain_id === undefined || exact.domain_id === own ? { ...exact, domain_id: own } : null
}

/** Returns a target with `%(target.<key>.domain_id)s`, the domain of the resource that the body describes. */
export function bodyTarget(key: string): Target {
  return async ({ body }, _deps, context) => {
    const given = own(body as Record<string, { domain_id?: string | null } | undefined>, key)
    return { [key]: { domain_id: given?.domain_id ?? callerDomain(context) } }
  }
}

/** Target of a grant: user or group, project or domain, and the role. */
export const grantTarget: Target = async (request, deps, context) => {
  const { params } = request
  const role = params.role_id ? await findRole(deps.database.query, params.role_id) : null
  return {
    ...(params.user_id ? await userTarget(request, deps, context) : {}),
    ...(params.group_id ? await groupTarget(request, deps, context) : {}),
    ...(params.project_id ? await projectTarget(request, deps, context) : {}),
    ...(params.domain_id ? await domainTarget(request, deps, context) : {}),
    ...(role ? { role: { id: role.id, name: role.name, domain_id: role.domainId } } : {}),
  }
}
