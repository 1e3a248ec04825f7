import type { Query } from '@hearth/database'
import { errors } from '../errors.ts'

/** What a caller calls an object of the backend. */
export interface Reference {
  'source-name'?: string
  'source-id'?: string
}

const safe = /^[A-Za-z0-9_][\w.-]{0,254}$/

/** Throws InvalidParameter (400) for a reference that is none. */
export function nameOf(reference: Reference): string {
  const name = reference['source-name'] ?? reference['source-id']
  if (name === undefined || !safe.test(name)) {
    throw errors.InvalidParameter({
      reason: `Manage existing volume failed due to invalid backend reference ${JSON.stringify(reference)}: Reference must contain source-name element.`,
    })
  }
  return name
}

/** Id of the volume or snapshot that has the object already, or of the cached image it belongs to; null when nobody has. */
export async function ownerOf(q: Query, kind: 'volume' | 'snapshot', name: string): Promise<string | null> {
  const table = kind === 'volume' ? 'volumes' : 'snapshots'
  const id = name.startsWith(`${kind}-`) ? name.slice(kind.length + 1) : ''
  const row = await q(table)
    .where((either) =>
      either.where({ backend_name: name }).orWhere((own) => own.where({ id }).whereNull('backend_name')),
    )
    .first('id')
  if (row) return row.id
  const base = kind === 'volume' ? await q('image_cache').where({ id }).first('id') : undefined
  return base?.id ?? null
}
