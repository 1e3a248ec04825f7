import { invalid } from '../errors.ts'
import type { UserReference } from '../users/store.ts'
import type { UserInput } from './input.ts'

/**
 * Returns the reference to a user in a log-in body. Throws InvalidRequest (400) without an id, or a name and a domain.
 */
export function readUserReference(user: UserInput): UserReference {
  if (user.id !== undefined) return { id: user.id }
  if (user.name === undefined) throw invalid('Expecting to find id or name in user.')
  if (!user.domain) throw invalid('Expecting to find domain in user.')
  return { name: user.name, domain: user.domain }
}
