import { commonErrors } from '@hearth/core'
import { maximumLimit } from '../../model/quotas/resources.ts'

/**
 * Returns the limits of a request body: names in `known`, whole numbers of at least -1 (unlimited). Throws 400 with the
 * name of a wrong key. Ignores `id` and `tenant_id`, which clients send back.
 */
export function parseLimits(body: Record<string, unknown>, known: string[], what: string): Map<string, number> {
  const limits = new Map<string, number>()
  const asked = Object.entries(body).filter(([key]) => key !== 'id' && key !== 'tenant_id')
  const bad = asked.map(([key]) => key).filter((key) => !known.includes(key))
  if (bad.length > 0) throw commonErrors.BadRequest({ reason: `Bad key(s) in ${what}: ${bad.join(',')}` })
  for (const [key, value] of asked) limits.set(key, wholeNumber(key, value))
  return limits
}

function wholeNumber(key: string, value: unknown): number {
  const text = String(value).trim()
  if (!/^-?\d+$/.test(text)) {
    throw commonErrors.InvalidInput({ reason: `${key} must be an integer.` })
  }
  const number = Number(text)
  if (number < -1) throw commonErrors.InvalidInput({ reason: `${key} must be >= -1` })
  if (number > maximumLimit) throw commonErrors.InvalidInput({ reason: `${key} must be <= ${maximumLimit}` })
  return number
}
