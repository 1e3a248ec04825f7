import { extrasOf } from '../extras.ts'
import type { Project } from '../projects/store.ts'
import { type DomainInput, known } from './input.ts'

/** Returns a new domain record with the defaults filled in. */
export function newDomain(id: string, given: DomainInput): Project {
  return {
    id,
    domainId: null,
    parentId: null,
    name: given.name!,
    isDomain: true,
    enabled: given.enabled ?? true,
    description: given.description ?? '',
    options: given.options ?? {},
    extra: extrasOf(given, known),
    tags: [...new Set(given.tags ?? [])].sort(),
  }
}
