import type { Project } from '../../model/projects/store.ts'
import { type Body, member } from '../links.ts'

/** Returns the view of a domain. */
export function viewDomain(domain: Project, base: string): Body {
  const { id, name, description, enabled, tags, options } = domain
  return member(base, 'domains', { ...domain.extra, id, name, description, enabled, tags, options })
}
