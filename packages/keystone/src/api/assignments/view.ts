import type { Query } from '@hearth/database'
import type { Effective } from '../../model/assignments/expand.ts'
import type { Assignment } from '../../model/assignments/store.ts'
import { groupsById } from '../../model/groups/store.ts'
import { projectsById } from '../../model/projects/store.ts'
import { rolesById } from '../../model/roles/store.ts'
import { usersById } from '../../model/users/store.ts'
import type { Body } from '../links.ts'

/** Returns `{id}`, or `{id, name, domain}` when names are requested. */
type Describe = (kind: 'user' | 'group' | 'project' | 'domain' | 'role', id: string) => Body

/** Returns `{id}`. */
export const onlyIds: Describe = (_kind, id) => ({ id })

/** Returns the view of an assignment; `describe` makes the views of the things that it mentions. */
export function viewAssignment(one: Assignment | Effective, base: string, describe: Describe): Body {
  const source = 'source' in one ? one.source : one
  const links: Body = { assignment: `${base}${assignmentPath(source)}` }
  if ('groupId' in one && one.groupId) links.membership = `${base}/groups/${one.groupId}/users/${one.actorId}`
  if ('priorRoleId' in one && one.priorRoleId) links.prior_role = `${base}/roles/${one.priorRoleId}`
  const scope: Body =
    one.targetType === 'system'
      ? { system: { all: true } }
      : {
          [one.targetType]: describe(one.targetType, one.targetId),
          ...(one.inherited ? { 'OS-INHERIT:inherited_to': 'projects' } : {}),
        }
  return { role: describe('role', one.roleId), [one.actorType]: describe(one.actorType, one.actorId), scope, links }
}

function assignmentPath(one: Assignment): string {
  const target = one.targetType === 'system' ? '/system' : `/${one.targetType}s/${one.targetId}`
  const grant = `${target}/${one.actorType}s/${one.actorId}/roles/${one.roleId}`
  return one.inherited ? `/OS-INHERIT${grant}/inherited_to_projects` : grant
}

/**
 * Reads the names of all users, groups, roles and targets that the assignments mention, in a handful of queries.
 * Returns a `Describe` that includes them.
 */
export async function withNames(query: Query, assignments: Assignment[]): Promise<Describe> {
  const ids = (kind: 'user' | 'group') => [
    ...new Set(assignments.filter((one) => one.actorType === kind).map((one) => one.actorId)),
  ]
  const targets = assignments.filter((one) => one.targetType !== 'system').map((one) => one.targetId)
  const people = [...(await usersById(query, ids('user'))), ...(await groupsById(query, ids('group')))]
  const projects = await projectsById(query, [...new Set(targets)])
  const roles = await rolesById(query, [...new Set(assignments.map((one) => one.roleId))])
  const things = new Map([...people, ...projects, ...roles].map((thing) => [thing.id, thing]))
  const domainIds = new Set([...things.values()].flatMap((thing) => thing.domainId ?? []))
  const domains = new Map((await projectsById(query, [...domainIds])).map((domain) => [domain.id, domain.name]))
  return (_kind, id) => {
    const thing = things.get(id)
    if (!thing) return { id }
    const { name, domainId } = thing
    return domainId ? { id, name, domain: { id: domainId, name: domains.get(domainId) ?? '' } } : { id, name }
  }
}
