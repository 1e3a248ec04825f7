import { type Context, commonErrors, uuid } from '@hearth/core'
import type { Database } from '@hearth/database'
import { type ApiRequest, queryValue } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import {
  deleteGroupTypeRow,
  type GroupType,
  type GroupTypeRow,
  getGroupType,
  groupTypeInUse,
  insertGroupType,
  joinSpecs,
  updateGroupType,
} from '../../model/group-types/store.ts'
import { pageEnds, pageRows, readBoolean, readPaging } from '../listing.ts'
import { readFlag } from '../types/schema.ts'

type Deps = { database: Database }

interface Fields {
  name?: string | null
  description?: string | null
  is_public?: unknown
  group_specs?: Record<string, string>
}

const sortKeys = { id: 'id', name: 'name', created_at: 'created_at' }

/** GET /group_types. Others than administrators see public ones only. */
export async function listGroupTypes(context: Context, request: ApiRequest, deps: Deps) {
  const q = deps.database.query
  const paging = readPaging(context, request, sortKeys)
  const rows = q('group_types')
  const isPublic = context.may('context_is_admin') ? readIsPublic(queryValue(request.query, 'is_public')) : true
  if (isPublic !== null) rows.where({ is_public: isPublic })
  const page = await pageRows<GroupTypeRow>(q, 'group_types', rows, paging, rows.clone())
  const types = await joinSpecs(q, page.rows)
  return {
    group_types: types.map((type) => view(context, type)),
    ...pageEnds(request, page, paging, 'group_type_links'),
  }
}

function readIsPublic(text: string | undefined): boolean | null {
  if (text === undefined) return true
  if (/^none$/i.test(text)) return null
  const value = readBoolean(text)
  if (value === undefined) throw commonErrors.BadRequest({ reason: `Invalid is_public filter [${text}]` })
  return value
}

/** GET /group_types/{id}. */
export async function showGroupType(context: Context, request: ApiRequest, deps: Deps) {
  const type = await getGroupType(deps.database.query, request.params.id!)
  if (!type.isPublic && !context.may('context_is_admin')) throw errors.GroupTypeNotFound({ group_type_id: type.id })
  return { group_type: view(context, type) }
}

/** GET /group_types/default. Always 404: no default group type can be set. */
export async function showDefaultGroupType(): Promise<never> {
  throw errors.ItemNotFound({ reason: 'Default group type can not be found.' })
}

/** POST /group_types. Throws GroupTypeExists (409). */
export async function createGroupType(context: Context, request: ApiRequest, deps: Deps) {
  const fields = (request.body as { group_type: Fields }).group_type
  const name = fields.name!.trim()
  if (name === '') throw errors.InvalidInput({ reason: 'Group type name can not be empty.' })
  const type: GroupType = {
    id: uuid(),
    name,
    description: fields.description ?? null,
    isPublic: readFlag(fields.is_public, true),
    specs: fields.group_specs ?? {},
  }
  await deps.database.transaction((tx) => insertGroupType(tx, type))
  return { group_type: view(context, type) }
}

/** PUT /group_types/{id}. */
export async function changeGroupType(context: Context, request: ApiRequest, deps: Deps) {
  const { name, description, is_public } = (request.body as { group_type: Fields }).group_type
  const set: Partial<GroupTypeRow> = {}
  if (typeof name === 'string') set.name = name.trim()
  if (typeof description === 'string') set.description = description
  if (is_public !== undefined) set.is_public = readFlag(is_public, true)
  if (Object.keys(set).length === 0 || set.name === '') {
    throw commonErrors.BadRequest({ reason: 'Specify group type name, description or a combination thereof.' })
  }
  const type = await deps.database.transaction(async (tx) => {
    const { id } = await getGroupType(tx, request.params.id!)
    await updateGroupType(tx, id, set)
    return getGroupType(tx, id)
  })
  return { group_type: view(context, type) }
}

/** DELETE /group_types/{id}. Throws GroupTypeInUse (400). */
export async function deleteGroupType(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await deps.database.transaction(async (tx) => {
    const { id } = await getGroupType(tx, request.params.id!)
    if (await groupTypeInUse(tx, id)) throw errors.GroupTypeInUse()
    await deleteGroupTypeRow(tx, id)
  })
}

function view(context: Context, { id, name, description, isPublic, specs }: GroupType) {
  const shown = context.may('group:access_group_types_specs') ? { group_specs: specs } : {}
  return { id, name, description, is_public: isPublic, ...shown }
}
