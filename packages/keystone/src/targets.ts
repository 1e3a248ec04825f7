import { type Context, commonErrors, own } from '@hearth/core'
import { type Filters, queryText } from './filters.ts'
import { findGroup } from './groups/store.ts'
import type { Target } from './guard.ts'
import { findProject } from './projects/store.ts'
import { findRole } from './roles/store.ts'
import { findUser } from './users/store.ts'

/** Domain a thing is made in when its body names none: that of the caller's scope. */
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

export const groupTarget: Target = async ({ params }, deps) => {
  const group = await findGroup(deps.database.query, params.group_id!)
  return { group: { id: params.group_id, domain_id: group?.domainId } }
}

export const projectTarget: Target = async ({ params }, deps) => {
  const project = await findProject(deps.database.query, params.project_id!)
  return { project: { id: params.project_id, domain_id: project?.domainId ?? project?.id } }
}

export const domainTarget: Target = async ({ params }) => ({ domain: { id: params.domain_id } })

/** `%(target.domain_id)s` of a list call filtered by domain; else the domain the token is scoped to. */
export const listTarget: Target = async ({ query }, _deps, context) => ({
  domain_id: queryText(query, 'domain_id') ?? context.identity?.domainId ?? undefined,
})

/** The filters of a list call; a token scoped to a domain lists only what is in it. */
export function withinDomain(context: Context, exact: Filters['exact']): Filters['exact'] | null {
  const own = context.identity?.domainId
  if (!own) return exact
  return exact.domain_id === undefined || exact.domain_id === own ? { ...exact, domain_id: own } : null
}

/** Domain of the thing a body describes, as `%(target.<key>.domain_id)s`. */
export function bodyTarget(key: string): Target {
  return async ({ body }, _deps, context) => {
    const given = own(body as Record<string, { domain_id?: string | null } | undefined>, key)
    return { [key]: { domain_id: given?.domain_id ?? callerDomain(context) } }
  }
}

/** Everything a grant is about: user or group, project or domain, and the role. */
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
