import type { Group } from '../../model/groups/store.ts'
import { type Body, member } from '../links.ts'

/** Returns the view of a group. */
export function viewGroup(group: Group, base: string): Body {
  const { id, name, domainId, description } = group
  return member(base, 'groups', { ...group.extra, id, name, domain_id: domainId, description })
}
