import type { AccessRule } from '@hearth/core'

/** Longest request path that a rule can match, in characters; Swift's longest object name fits, escapes and all. */
const maxPath = 8192

/** Most wildcards (`*`, `**`, `{name}`) in the path of a new rule. */
export const maxWildcards = 8

/** A request as it arrived: `path` may carry a query string, which rules ignore. */
interface AccessedRequest {
  method: string
  path: string
}

/**
 * True when one of an application credential's rules admits the request. `serviceTypes` are the catalog types of the
 * service that asks. Follows keystonemiddleware's validate_allowed_request: every caller may validate a token.
 */
export function allowsAccess(
  rules: readonly AccessRule[],
  serviceTypes: readonly string[],
  request: AccessedRequest,
): boolean {
  const path = normalisePath(request.path.split('?', 1)[0]!)
  if (serviceTypes.includes('identity') && request.method === 'GET' && path.endsWith('/v3/auth/tokens')) return true
  return rules.some(
    (rule) =>
      rule.method === request.method && serviceTypes.includes(rule.service) && matchesAccessPath(rule.path, path),
  )
}

/**
 * True when `path` matches the rule's path: `*` and `{name}` stand for one or more characters of one segment, `**` for
 * any characters. Takes time proportional to the length of both, whatever they hold.
 */
export function matchesAccessPath(rulePath: string, path: string): boolean {
  if (path.length > maxPath) return false
  // ends[n] is 1 when the pattern so far can match the first n characters.
  let ends: Uint8Array = new Uint8Array(path.length + 1)
  ends[0] = 1
  for (const token of tokensOf(rulePath)) {
    ends = advance(token, ends, path)
    if (!ends.includes(1)) return false
  }
  return ends[path.length] === 1
}

/** The number of wildcards in a rule's path; null when a brace has no partner. */
export function countWildcards(rulePath: string): number | null {
  const tokens = tokensOf(rulePath)
  if (tokens.some((token) => !isWildcard(token) && /[{}]/.test(token))) return null
  return tokens.filter(isWildcard).length
}

const isWildcard = (token: string): boolean => token.startsWith('*') || /^\{.*\}$/.test(token)

const tokensOf = (rulePath: string): string[] => rulePath.split(/(\*\*|\*|\{[^{}]*\})/).filter((token) => token !== '')

function advance(token: string, ends: Uint8Array, path: string): Uint8Array {
  const next = new Uint8Array(ends.length)
  if (token === '**') return next.fill(1, ends.indexOf(1))
  if (!isWildcard(token)) {
    for (let at = 0; at + token.length < ends.length; at++)
      if (ends[at] === 1 && path.startsWith(token, at)) next[at + token.length] = 1
    return next
  }
  let inSegment = false
  for (let at = 0; at < path.length; at++) {
    inSegment = path[at] !== '/' && (inSegment || ends[at] === 1)
    if (inSegment) next[at + 1] = 1
  }
  return next
}

/** The path as WebOb gives it to keystonemiddleware: escapes decoded and written anew, so that `%2F` is a slash. */
function normalisePath(path: string): string {
  return path
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(
      /[^\w.~!$&'()*+,;=:@/-]/g,
      (one) => `%${(one.charCodeAt(0) & 255).toString(16).toUpperCase().padStart(2, '0')}`,
    )
}
