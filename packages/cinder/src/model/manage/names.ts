import type { Query } from '@hearth/database'
import { errors } from '../errors.ts'

/** A request's reference to an object on a backend. */
export interface Reference {
  'source-name'?: unknown
  'source-id'?: unknown
}

/** `task` of a volume in `managing`: the name of the object to adopt. */
export interface ManageTask {
  manage: { name: string }
}

/** Returns the object name in a reference. Throws InvalidParameter (400) if it has none. */
export function nameOf(kind: 'volume' | 'snapshot', reference: Reference): string {
  const name = reference['source-name'] ?? reference['source-id']
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (typeof name !== 'string' || !/^[^\x00-\x1f]{1,255}$/.test(name)) {
    throw invalidReference(kind, reference, 'Reference must contain source-name element.')
  }
  return name
}

/** Returns the error InvalidParameter (400) for a reference, in upstream's words. */
export function invalidReference(kind: 'volume' | 'snapshot', reference: Reference, reason: string) {
  const shown = JSON.stringify(reference)
  return errors.InvalidParameter({
    reason: `Manage existing ${kind} failed due to invalid backend reference ${shown}: ${reason}`,
  })
}

/**
 * Returns the id of the volume or snapshot on this backend that has the object, or is adopting it, or of the cached
 * image whose base it is; null if the object has no owner.
 */
export async function ownerOf(
  q: Query,
  { kind, name, backend }: { kind: 'volume' | 'snapshot'; name: string; backend: string },
): Promise<string | null> {
  // LVM reserves names that begin with "snapshot", so upstream and Hearth's LVM driver put an underscore before them.
  const id = /^_?(?:volume|snapshot)-([0-9a-f-]{36})$/.exec(name)?.[1] ?? ''
  const here = q('volumes').where((either) => either.where({ host: backend }).orWhere('host', 'like', `${backend}#%`))
  const rows = kind === 'volume' ? here : q('snapshots').whereIn('volume_id', here.select('id'))
  const row = await rows
    .clone()
    .where((either) =>
      either.where({ backend_name: name }).orWhere((own) => own.where({ id }).whereNull('backend_name')),
    )
    .first('id')
  if (row) return row.id
  if (kind === 'snapshot') return null
  const candidates = await rows.clone().where({ status: 'managing' }).select('id', 'task')
  const adopting = candidates.find(
    ({ task }) => (JSON.parse(task ?? '{}') as Partial<ManageTask>).manage?.name === name,
  )
  if (adopting) return adopting.id
  return (await q('image_cache').where({ id }).first('id'))?.id ?? null
}
