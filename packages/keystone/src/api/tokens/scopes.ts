import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { assignmentsOf } from '../../model/assignments/store.ts'
import { buildCatalog } from '../../model/catalog/build.ts'
import type { Deps } from '../../model/deps.ts'
import { forbidden } from '../../model/errors.ts'
import { type Project, projectsById, subtreeOf } from '../../model/projects/store.ts'
import { viewDomain } from '../domains/view.ts'
import { callerOf } from '../guard.ts'
import { type Body, baseOf, collection } from '../links.ts'
import { viewProject } from '../projects/view.ts'

/** Returns the enabled projects in which a user has a role, also through groups and inheritance. */
export async function projectsOf(query: Query, userId: string): Promise<Project[]> {
  const assignments = await assignmentsOf(query, userId)
  const direct = assignments.filter((one) => one.targetType === 'project' && !one.inherited).map((one) => one.targetId)
  const found = await projectsById(query, [...new Set(direct)])
  const roots = new Set(assignments.filter((one) => one.inherited).map((one) => one.targetId))
  for (const root of roots) found.push(...(await subtreeOf(query, root)))
  const domains = await projectsById(query, [...new Set(found.flatMap((project) => project.domainId ?? []))])
  const open = new Set(domains.filter((domain) => domain.enabled).map((domain) => domain.id))
  const unique = new Map(found.map((project) => [project.id, project]))
  return [...unique.values()].filter((one) => one.enabled && !one.isDomain && open.has(one.domainId!))
}

/** GET /auth/projects: the projects to which the caller can scope a token. */
export async function listScopeProjects(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const projects = await projectsOf(deps.database.query, callerOf(context).userId)
  return collection(request, { name: 'projects', base, items: projects.map((one) => viewProject(one, base)) })
}

/** GET /auth/domains: the domains to which the caller can scope a token. */
export async function listScopeDomains(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const assignments = await assignmentsOf(deps.database.query, callerOf(context).userId)
  const ids = assignments.filter((one) => one.targetType === 'domain' && !one.inherited).map((one) => one.targetId)
  const domains = await projectsById(deps.database.query, [...new Set(ids)])
  const items = domains.filter((domain) => domain.enabled).map((domain) => viewDomain(domain, base))
  return collection(request, { name: 'domains', base, items })
}

/** GET /auth/system: whether the caller can scope a token to the system. */
export async function listScopeSystem(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const assignments = await assignmentsOf(deps.database.query, callerOf(context).userId)
  const items = assignments.some((one) => one.targetType === 'system') ? [{ all: true }] : []
  return collection(request, { name: 'system', base: baseOf(request, deps.publicUrl), items })
}

/** GET /auth/catalog. Throws Forbidden (403) for a token without a project. */
export async function showCatalog(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const identity = callerOf(context)
  if (!identity.projectId) throw forbidden('a project-scoped token is required to produce a service catalog.')
  const items = (await buildCatalog(deps.database.query, identity)) as unknown as Body[]
  return collection(request, { name: 'catalog', base: baseOf(request, deps.publicUrl), items })
}
