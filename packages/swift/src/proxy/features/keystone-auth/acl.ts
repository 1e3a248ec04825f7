import { refuse } from '../../../model/response.ts'

/**
 * Returns the short form of an access list: `.referrer : *` becomes `.r:*`; blanks and empty items are removed. Throws
 * 400 for a referrer in a write list and for unknown designators. Rules from Swift's middleware/acl.py.
 */
export function cleanAcl(header: string, value: string): string {
  const items: string[] = []
  for (const raw of value.split(',').map((item) => item.trim())) {
    if (raw === '') continue
    const at = raw.indexOf(':')
    const first = at < 0 ? raw : raw.slice(0, at).trim()
    if (at < 0 || !first.startsWith('.')) items.push(raw)
    else items.push(referrer(header, first, raw.slice(at + 1).trim(), raw))
  }
  return items.join(',')
}

function referrer(header: string, first: string, host: string, raw: string): string {
  if (!['.r', '.ref', '.referer', '.referrer'].includes(first))
    throw refuse(400, `Unknown designator '${first}' in ACL: '${raw}'`)
  if (header.includes('write')) throw refuse(400, `Referrers not allowed in write ACL: '${raw}'`)
  const denies = host.startsWith('-')
  let name = denies ? host.slice(1).trim() : host
  if (name !== '*' && name.startsWith('*')) name = name.slice(1).trim()
  if (name === '' || name === '.') throw refuse(400, `No host/domain value after referrer designation in ACL: '${raw}'`)
  return `.r:${denies ? '-' : ''}${name}`
}

export interface ParsedAcl {
  /** Hosts, `*`, `.domain`; a leading minus denies. */
  referrers: string[]
  /** `project:user`, role names and `.rlistings`. */
  groups: string[]
}

/** Returns the parsed form of an access list; an absent one allows no access. */
export function parseAcl(acl: string | null): ParsedAcl {
  const parsed: ParsedAcl = { referrers: [], groups: [] }
  for (const item of (acl ?? '').split(',')) {
    if (item === '') continue
    if (item.startsWith('.r:')) parsed.referrers.push(item.slice(3))
    else parsed.groups.push(unquote(item))
  }
  return parsed
}

function unquote(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Whether the page that a browser comes from may read; later items override earlier ones. */
export function referrerAllowed(referer: string | undefined, list: string[]): boolean {
  const host = hostOf(referer)
  const fits = (item: string) => item === host || (item.startsWith('.') && host.endsWith(item))
  let allowed = false
  for (const item of list) {
    if (item.startsWith('-')) allowed = fits(item.slice(1)) ? false : allowed
    else if (item === '*' || fits(item)) allowed = true
  }
  return allowed
}

function hostOf(referer: string | undefined): string {
  const url = URL.parse(referer ?? '')
  return url?.hostname || 'unknown'
}
