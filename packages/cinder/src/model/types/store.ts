import { type Context, setOwn } from '@hearth/core'
import type { Query, Transaction } from '@hearth/database'
import { defaultTypeName } from '../../../migrations/0002-types.ts'
import { errors } from '../errors.ts'

export interface VolumeType {
  id: string
  name: string
  isPublic: boolean
  description: string | null
  extraSpecs: Record<string, string>
  qosSpecsId: string | null
}

export interface TypeRow {
  id: string
  name: string
  description: string | null
  is_public: boolean | number
  qos_specs_id: string | null
  created_at: number
  updated_at: number
}

/** The type of this id; whether the caller may see it is not asked. Throws VolumeTypeNotFound (404). */
export async function getVolumeType(q: Query, id: string): Promise<VolumeType> {
  const row = await q<TypeRow>('volume_types').where({ id }).first()
  if (!row) throw errors.VolumeTypeNotFound({ volume_type_id: id })
  return withSpecs(q, row)
}

/** The type of this id, else of this name, if the caller may see it. Throws VolumeTypeNotFound (404). */
export async function findVolumeType(q: Query, idOrName: string, context: Context): Promise<VolumeType> {
  const rows = await q<TypeRow>('volume_types').where({ id: idOrName }).orWhere({ name: idOrName })
  const row = rows.find((candidate) => candidate.id === idOrName) ?? rows[0]
  if (!row || !(await maySee(q, row, context))) {
    throw errors.VolumeTypeNotFoundByName({ volume_type_name: idOrName, volume_type_id: idOrName })
  }
  return withSpecs(q, row)
}

/** The project's default type, else the deployment's. Throws 500 when an administrator has renamed it away. */
export async function defaultVolumeType(
  q: Query,
  projectId: string | null,
  name = defaultTypeName,
): Promise<VolumeType> {
  const own = projectId
    ? await q<TypeRow>('volume_types')
        .whereIn('id', q('default_volume_types').where({ project_id: projectId }).select('volume_type_id'))
        .first()
    : undefined
  const row = own ?? (await q<TypeRow>('volume_types').where({ name }).first())
  if (!row) throw errors.VolumeTypeDefaultMisconfigured({ volume_type_name: name })
  return withSpecs(q, row)
}

/**
 * Returns a query for the types that the caller may see and that carry all of `specs`, to be paged. `isPublic` counts
 * for administrators only: true adds the types that their project may use, null also lists private ones.
 */
export function visibleTypes(q: Query, context: Context, isPublic: boolean | null, specs: Record<string, string>) {
  const rows = q('volume_types')
  const granted = q('volume_type_projects')
    .where({ project_id: context.identity?.projectId ?? '' })
    .select('volume_type_id')
  if (!context.may('context_is_admin') || isPublic === true) {
    rows.where((either) => either.where({ is_public: true }).orWhereIn('volume_types.id', granted))
  } else if (isPublic === false) {
    rows.where({ is_public: false })
  }
  for (const [spec_key, spec_value] of Object.entries(specs)) {
    const having = q('volume_type_extra_specs').where({ spec_key, spec_value }).select('volume_type_id')
    rows.whereIn('volume_types.id', having)
  }
  return rows
}

/**
 * Returns true if the caller may see the type: it is public, the caller is an administrator, or the project has access.
 */
export async function maySee(q: Query, row: Pick<TypeRow, 'id' | 'is_public'>, context: Context): Promise<boolean> {
  if (row.is_public || context.may('context_is_admin')) return true
  const projectId = context.identity?.projectId
  if (!projectId) return false
  return Boolean(await q('volume_type_projects').where({ volume_type_id: row.id, project_id: projectId }).first())
}

/** Inserts a volume type with its extra specs. Throws VolumeTypeExists (409) when the name is taken. */
export async function insertVolumeType(tx: Transaction, type: Omit<VolumeType, 'qosSpecsId'>): Promise<void> {
  const { id, name, description } = type
  const now = Date.now()
  const taken = await tx('volume_types').where({ name }).first('id')
  if (taken) throw errors.VolumeTypeExists({ id: name })
  await tx('volume_types').insert({ id, name, description, is_public: type.isPublic, created_at: now, updated_at: now })
  await writeExtraSpecs(tx, id, type.extraSpecs)
}

/** Updates columns of a volume type. */
export async function updateVolumeType(tx: Transaction, id: string, set: Partial<TypeRow>): Promise<void> {
  if (set.name !== undefined) {
    const taken = await tx('volume_types').where({ name: set.name }).whereNot({ id }).first('id')
    if (taken) throw errors.VolumeTypeExists({ id: set.name })
  }
  await tx('volume_types')
    .where({ id })
    .update({ ...set, updated_at: Date.now() })
}

/** Removes a type and all that hangs on it. */
export async function deleteVolumeType(tx: Transaction, id: string): Promise<void> {
  for (const table of ['volume_type_extra_specs', 'volume_type_projects', 'volume_type_encryptions']) {
    await tx(table).where({ volume_type_id: id }).delete()
  }
  await tx('volume_types').where({ id }).delete()
}

/** True while a volume or snapshot is of this type. */
export async function typeInUse(q: Query, id: string): Promise<boolean> {
  return Boolean(await q('volumes').where({ volume_type_id: id }).first('id'))
}

/** Returns the number of volume types. */
export async function countVolumeTypes(q: Query): Promise<number> {
  const row = await q('volume_types').count({ count: '*' }).first()
  return Number(row?.count ?? 0)
}

/** Returns true if the type is the default type of a project. */
export async function isProjectDefault(q: Query, id: string): Promise<boolean> {
  return Boolean(await q('default_volume_types').where({ volume_type_id: id }).first('project_id'))
}

/** Sets the given keys, leaving the others. */
export async function writeExtraSpecs(tx: Transaction, typeId: string, specs: Record<string, string>): Promise<void> {
  for (const [spec_key, spec_value] of Object.entries(specs)) {
    const row = { volume_type_id: typeId, spec_key, spec_value }
    await tx('volume_type_extra_specs').insert(row).onConflict(['volume_type_id', 'spec_key']).merge(['spec_value'])
  }
}

/** True if there was such a key. */
export async function deleteExtraSpec(tx: Transaction, typeId: string, key: string): Promise<boolean> {
  return (await tx('volume_type_extra_specs').where({ volume_type_id: typeId, spec_key: key }).delete()) > 0
}

/** Returns the ids of the projects that may use a private type. */
export async function listAccess(q: Query, typeId: string): Promise<string[]> {
  const rows = await q('volume_type_projects').where({ volume_type_id: typeId }).orderBy('project_id')
  return rows.map((row) => row.project_id)
}

/** Lets a project use a private type. Throws VolumeTypeAccessExists (409) if it may already. */
export async function addAccess(tx: Transaction, typeId: string, projectId: string): Promise<void> {
  const row = { volume_type_id: typeId, project_id: projectId }
  if (await tx('volume_type_projects').where(row).first()) throw errors.VolumeTypeAccessExists(row)
  await tx('volume_type_projects').insert(row)
}

/** Stops a project from using a private type. Throws VolumeTypeAccessNotFound (404) if it may not. */
export async function removeAccess(tx: Transaction, typeId: string, projectId: string): Promise<void> {
  const row = { volume_type_id: typeId, project_id: projectId }
  if ((await tx('volume_type_projects').where(row).delete()) === 0) throw errors.VolumeTypeAccessNotFound(row)
}

async function withSpecs(q: Query, row: TypeRow): Promise<VolumeType> {
  const [type] = await joinSpecs(q, [row])
  return type!
}

/** Rows as types with their extra specs, in the same order. */
export async function joinSpecs(q: Query, rows: TypeRow[]): Promise<VolumeType[]> {
  const types = new Map(rows.map((row) => [row.id, shape(row)]))
  const specs = await q('volume_type_extra_specs').whereIn('volume_type_id', [...types.keys()])
  for (const spec of specs) setOwn(types.get(spec.volume_type_id)!.extraSpecs, spec.spec_key, spec.spec_value)
  return [...types.values()]
}

function shape(row: TypeRow): VolumeType {
  return {
    id: row.id,
    name: row.name,
    isPublic: Boolean(row.is_public),
    description: row.description,
    extraSpecs: {},
    qosSpecsId: row.qos_specs_id,
  }
}
