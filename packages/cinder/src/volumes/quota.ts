import type { Query } from '@hearth/database'

/** Name of a volume type, for its own quota; null when there is none. */
export async function typeNameOf(q: Query, typeId: string | null): Promise<string | null> {
  if (typeId === null) return null
  const row = await q('volume_types').where({ id: typeId }).first('name')
  return row?.name ?? null
}
