import { refuse } from '../../model/response.ts'

/** Seconds since the epoch at which the object ends, from X-Delete-After or X-Delete-At; null without. Throws a 400. */
export function deleteAtOf(headers: Record<string, string>, now: number): number | null {
  const after = headers['x-delete-after']
  if (after !== undefined && after !== '') {
    if (!/^\s*[+-]?\d+\s*$/.test(after)) throw refuse(400, 'Non-integer X-Delete-After')
    const at = Math.floor(now + Number(after))
    if (at <= now) throw refuse(400, 'X-Delete-After in past')
    return Math.min(at, 9999999999)
  }
  const at = headers['x-delete-at']
  if (at === undefined || at === '') return null
  if (!/^\s*[+-]?\d+\s*$/.test(at)) throw refuse(400, 'Non-integer X-Delete-At')
  if (Number(at) <= now) throw refuse(400, 'X-Delete-At in past')
  return Math.min(Number(at), 9999999999)
}

/** Returns true if the object has expired. `now` in seconds since the epoch. */
export const isExpired = (object: { deleteAt: number | null }, now = Date.now() / 1000): boolean =>
  object.deleteAt !== null && object.deleteAt <= now
