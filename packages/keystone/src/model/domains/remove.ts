import type { Transaction } from '@hearth/database'
import type { Deps } from '../deps.ts'
import { forbidden } from '../errors.ts'
import { isImmutable } from '../extras.ts'
import { removeGroup } from '../groups/store.ts'
import { type Project, removeProject, subtreeOf } from '../projects/store.ts'
import { listRoles, removeRole } from '../roles/store.ts'
import { revoke } from '../tokens/store.ts'
import { removeUser } from '../users/store.ts'
import { memberIdsOfDomain, removeSettings } from './store.ts'

/**
 * Removes a domain with all users, groups, projects and roles in it. Throws Forbidden (403) for an enabled, immutable
 * or the default domain.
 */
export async function removeDomain(tx: Transaction, domain: Project, deps: Pick<Deps, 'tokens'>): Promise<void> {
  if (domain.enabled) throw forbidden('a domain must be disabled before it is deleted.')
  if (domain.id === 'default') throw forbidden('the default domain cannot be deleted.')
  if (isImmutable(domain.options)) throw forbidden(`${domain.id} is immutable.`)
  const { userIds, groupIds } = await memberIdsOfDomain(tx, domain.id)
  for (const id of userIds) await removeUser(tx, id)
  for (const id of groupIds) await removeGroup(tx, id)
  for (const project of (await subtreeOf(tx, domain.id)).reverse()) await removeProject(tx, project.id)
  for (const role of await listRoles(tx, { domain_id: domain.id })) await removeRole(tx, role.id)
  await removeSettings(tx, domain.id)
  await removeProject(tx, domain.id)
  await revoke(tx, [{ domainId: domain.id }], deps)
}
