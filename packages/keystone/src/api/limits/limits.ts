import { type Context, hexId } from '@hearth/core'
import type { Query, Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { errors, invalid, notFound } from '../../model/errors.ts'
import {
  findLimit,
  insertLimit,
  type Limit,
  listLimits as list,
  listRegistered,
  removeLimit,
  saveLimit,
} from '../../model/limits/store.ts'
import { findProject } from '../../model/projects/store.ts'
import { readFilters } from '../filters.ts'
import { callerOf, type Target } from '../guard.ts'
import { type Body, baseOf, collection, member } from '../links.ts'
import type { LimitInput } from './schema.ts'

function viewLimit(limit: Limit, base: string): Body {
  return member(base, 'limits', {
    id: limit.id,
    service_id: limit.serviceId,
    region_id: limit.regionId,
    resource_name: limit.resourceName,
    resource_limit: limit.resourceLimit,
    project_id: limit.projectId,
    domain_id: limit.domainId,
    description: limit.description,
  })
}

/** GET /limits/model: the flat model, in which a project's limit does not depend on its parents or children. */
export async function showModel(): Promise<Body> {
  return {
    model: {
      name: 'flat',
      description: 'Limit enforcement and validation does not take project hierarchy into consideration.',
    },
  }
}

/**
 * POST /limits: creates a list of limits. Throws InvalidRequest (400) for a resource without a registered limit,
 * AlreadyExists (409).
 */
export async function createLimits(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { limits: LimitInput[] }).limits
  const base = baseOf(request, deps.publicUrl)
  const made = await commit(deps, async (tx) => {
    const limits: Limit[] = []
    for (const one of given) limits.push(await setLimit(tx, one))
    return limits
  })
  return collection(request, { name: 'limits', base, items: made.map((one) => viewLimit(one, base)) })
}

async function setLimit(tx: Transaction, given: LimitInput): Promise<Limit> {
  const { service_id, resource_name } = given
  if (Boolean(given.project_id) === Boolean(given.domain_id)) throw invalid('Give either project_id or domain_id.')
  if (!(await findProject(tx, (given.project_id ?? given.domain_id)!))) throw invalid('No such project or domain.')
  const where = { service_id, resource_name, region_id: given.region_id ?? '' }
  const [registered] = await listRegistered(tx, where)
  if (!registered) throw invalid(`No registered limit for ${resource_name}.`)
  const limit: Limit = {
    id: hexId(),
    registeredId: registered.id,
    projectId: given.project_id ?? null,
    domainId: given.domain_id ?? null,
    resourceLimit: given.resource_limit,
    description: given.description ?? null,
    serviceId: service_id,
    regionId: registered.regionId,
    resourceName: resource_name,
  }
  if (!(await insertLimit(tx, limit))) throw errors.AlreadyExists({ kind: 'limit', by: `resource ${resource_name}` })
  return limit
}

const kinds = {
  service_id: 'text',
  region_id: 'text',
  resource_name: 'text',
  project_id: 'text',
  domain_id: 'text',
} as const

/**
 * GET /limits: all limits if the caller may see those of others, else the limits of the caller's project and domain.
 */
export async function listLimits(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const filters = readFilters(request.query, kinds)
  const caller = callerOf(context)
  const found = await list(deps.database.query, filters.exact)
  const canSeeAll = context.may('identity:list_limits_of_others', {})
  const visible = found.filter(
    (one) =>
      canSeeAll ||
      (one.projectId !== null && one.projectId === caller.projectId) ||
      (one.domainId !== null && [caller.domainId, caller.projectDomainId].includes(one.domainId)),
  )
  const items = visible.map((one) => viewLimit(one, base)).filter(filters.matches)
  return collection(request, { name: 'limits', base, items })
}

/**
 * `%(target.limit.project_id)s` and `%(target.limit.domain_id)s` of the limit in the path. Throws ResourceNotFound
 * (404).
 */
export const limitTarget: Target = async (request, deps) => {
  const limit = await getLimit(deps.database.query, request)
  return { limit: { project_id: limit.projectId ?? undefined, domain_id: limit.domainId ?? undefined } }
}

/** GET /limits/{limit_id}. */
export async function showLimit(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  return { limit: viewLimit(await getLimit(deps.database.query, request), baseOf(request, deps.publicUrl)) }
}

/** PATCH /limits/{limit_id}. */
export async function updateLimit(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { limit: { resource_limit?: number; description?: string | null } }).limit
  const limit = await commit(deps, async (tx) => {
    const old = await getLimit(tx, request)
    const description = given.description === undefined ? old.description : given.description
    const changed = { ...old, resourceLimit: given.resource_limit ?? old.resourceLimit, description }
    await saveLimit(tx, changed)
    return changed
  })
  return { limit: viewLimit(limit, baseOf(request, deps.publicUrl)) }
}

/** DELETE /limits/{limit_id}. */
export async function deleteLimit(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await commit(deps, async (tx) => removeLimit(tx, (await getLimit(tx, request)).id))
}

async function getLimit(query: Query, { params }: ApiRequest): Promise<Limit> {
  const limit = await findLimit(query, params.limit_id!)
  if (!limit) throw notFound('limit', params.limit_id!)
  return limit
}
