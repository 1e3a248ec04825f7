import { type Body, member } from '../links.ts'
import type { Project } from '../projects/store.ts'

/** Returns the view of a domain. */
export function viewDomain(domain: Project, base: string): Body {
  const { id, name, description, enabled, tags, options } = domain
  return member(base, 'domains', { ...domain.extra, id, name, description, enabled, tags, options })
}
