import type { Query } from '@hearth/database'

/** Returns the name of a volume type, which names its quotas; null if there is no such type. */
export async function typeNameOf(q: Query, typeId: string | null): Promise<string | null> {
  if (typeId === null) return null
  const row = await q('volume_types').where({ id: typeId }).first('name')
  return row?.name ?? null
}
