import type { AccessRule } from '@hearth/core'

/** True when one of an application credential's access rules admits the request (keystonemiddleware's matching). */
export function allowsAccess(
  rules: readonly AccessRule[],
  serviceType: string,
  request: { method: string; url: string },
): boolean {
  const path = request.url.split('?', 1)[0]!
  return rules.some(
    (rule) => rule.service === serviceType && rule.method === request.method && patternOf(rule.path).test(path),
  )
}

/** `*` and `{name}` stand for one segment, `**` for any number. */
function patternOf(path: string): RegExp {
  const source = path
    .split(/(\*\*|\*|\{[^}]*\})/)
    .map((part) => {
      if (part === '**') return '.*'
      return part === '*' || part.startsWith('{') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    })
    .join('')
  return new RegExp(`^${source}$`)
}
