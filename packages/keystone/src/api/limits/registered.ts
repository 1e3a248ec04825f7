import { type Context, hexId } from '@hearth/core'
import type { Query, Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { errors, invalid, notFound } from '../../model/errors.ts'
import {
  findRegistered,
  insertRegistered,
  isOverridden,
  listRegistered,
  type RegisteredLimit,
  removeRegistered,
  saveRegistered,
} from '../../model/limits/store.ts'
import { findRegion } from '../../model/regions/store.ts'
import { findService } from '../../model/services/store.ts'
import { readFilters } from '../filters.ts'
import { type Body, baseOf, collection, member } from '../links.ts'
import type { RegisteredInput } from './schema.ts'

/** Returns the view of a registered limit. */
function viewRegisteredLimit(limit: RegisteredLimit, base: string): Body {
  return member(base, 'registered_limits', {
    id: limit.id,
    service_id: limit.serviceId,
    region_id: limit.regionId,
    resource_name: limit.resourceName,
    default_limit: limit.defaultLimit,
    description: limit.description,
  })
}

/**
 * POST /registered_limits: creates a list of limits. Throws InvalidRequest (400) for an unknown service or region,
 * AlreadyExists (409).
 */
export async function createRegisteredLimits(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { registered_limits: RegisteredInput[] }).registered_limits
  const base = baseOf(request, deps.publicUrl)
  const made = await commit(deps, async (tx) => {
    const limits: RegisteredLimit[] = []
    for (const one of given) limits.push(await register(tx, one))
    return limits
  })
  return collection(request, {
    name: 'registered_limits',
    base,
    items: made.map((one) => viewRegisteredLimit(one, base)),
  })
}

async function register(tx: Transaction, given: RegisteredInput): Promise<RegisteredLimit> {
  await assertServiceAndRegion(tx, given)
  const limit: RegisteredLimit = {
    id: hexId(),
    serviceId: given.service_id!,
    regionId: given.region_id ?? null,
    resourceName: given.resource_name!,
    defaultLimit: given.default_limit!,
    description: given.description ?? null,
  }
  if (!(await insertRegistered(tx, limit)))
    throw errors.AlreadyExists({ kind: 'registered_limit', by: `resource ${limit.resourceName}` })
  return limit
}

async function assertServiceAndRegion(query: Query, given: RegisteredInput): Promise<void> {
  if (given.service_id !== undefined && !(await findService(query, given.service_id)))
    throw invalid(`Service ${given.service_id} does not exist.`)
  if (given.region_id && !(await findRegion(query, given.region_id)))
    throw invalid(`Region ${given.region_id} does not exist.`)
}

/** GET /registered_limits: filters by service_id, region_id and resource_name. */
export async function listRegisteredLimits(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const filters = readFilters(request.query, { service_id: 'text', region_id: 'text', resource_name: 'text' })
  const items = (await listRegistered(deps.database.query, filters.exact)).map((one) => viewRegisteredLimit(one, base))
  return collection(request, { name: 'registered_limits', base, items: items.filter(filters.matches) })
}

/** GET /registered_limits/{registered_limit_id}. */
export async function showRegisteredLimit(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const limit = await getRegisteredLimit(deps.database.query, request)
  return { registered_limit: viewRegisteredLimit(limit, baseOf(request, deps.publicUrl)) }
}

/** PATCH /registered_limits/{registered_limit_id}. Throws Forbidden (403) while limits override it. */
export async function updateRegisteredLimit(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { registered_limit: RegisteredInput }).registered_limit
  const limit = await commit(deps, async (tx) => {
    const old = await getRegisteredLimit(tx, request)
    await assertServiceAndRegion(tx, given)
    if (await isOverridden(tx, old.id)) throw inUse('update', old.id)
    const changed: RegisteredLimit = {
      ...old,
      serviceId: given.service_id ?? old.serviceId,
      regionId: given.region_id === undefined ? old.regionId : given.region_id,
      resourceName: given.resource_name ?? old.resourceName,
      defaultLimit: given.default_limit ?? old.defaultLimit,
      description: given.description === undefined ? old.description : given.description,
    }
    await saveRegistered(tx, changed)
    return changed
  })
  return { registered_limit: viewRegisteredLimit(limit, baseOf(request, deps.publicUrl)) }
}

/** DELETE /registered_limits/{registered_limit_id}. Throws Forbidden (403) while limits override it. */
export async function deleteRegisteredLimit(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await commit(deps, async (tx) => {
    const { id } = await getRegisteredLimit(tx, request)
    if (await isOverridden(tx, id)) throw inUse('delete', id)
    await removeRegistered(tx, id)
  })
}

const inUse = (verb: string, id: string) =>
  errors.Forbidden({ reason: `unable to ${verb} registered limit ${id}: there are limits associated with it.` })

async function getRegisteredLimit(query: Query, { params }: ApiRequest): Promise<RegisteredLimit> {
  const limit = await findRegistered(query, params.registered_limit_id!)
  if (!limit) throw notFound('registered limit', params.registered_limit_id!)
  return limit
}
