import type { Query } from '@hearth/database'

interface DefaultTypeRow {
  project_id: string
  volume_type_id: string
}

/** Returns the default types of all projects. */
export async function listDefaultTypes(q: Query): Promise<DefaultTypeRow[]> {
  return q('default_volume_types').orderBy('project_id')
}

/** Returns the default type of a project; undefined when none is set. */
export async function findDefaultType(q: Query, projectId: string): Promise<DefaultTypeRow | undefined> {
  return q('default_volume_types').where({ project_id: projectId }).first()
}

/** Sets the default type of a project, and replaces an earlier one. */
export async function writeDefaultType(q: Query, row: DefaultTypeRow): Promise<void> {
  await q('default_volume_types').insert(row).onConflict(['project_id']).merge(['volume_type_id'])
}

/** Removes the default type of a project. */
export async function deleteDefaultType(q: Query, projectId: string): Promise<void> {
  await q('default_volume_types').where({ project_id: projectId }).delete()
}
