import { hexId } from '@hearth/core'
import type { Transaction } from '@hearth/database'
import { globalRolesByName, insertImplication, insertRole } from '../roles/store.ts'

/**
 * Keystone's own roles (keystone/cmd/bootstrap.py), and ResellerAdmin, whose users have access to every account of
 * Swift.
 */
const names = ['reader', 'member', 'manager', 'admin', 'service', 'ResellerAdmin']

/** Each role implies the next. */
const chain = ['admin', 'manager', 'member', 'reader']

/**
 * Creates the missing roles and their implications. They are immutable, so that they are not renamed or deleted by
 * mistake. Returns the role ids by name.
 */
export async function ensureRoles(tx: Transaction): Promise<Map<string, string>> {
  const roles = new Map((await globalRolesByName(tx, names)).map((role) => [role.name, role.id]))
  for (const name of names) {
    if (roles.has(name)) continue
    const id = hexId()
    await insertRole(tx, { id, domainId: null, name, description: null, options: { immutable: true }, extra: {} })
    roles.set(name, id)
  }
  for (const [index, implied] of chain.slice(1).entries())
    await insertImplication(tx, roles.get(chain[index]!)!, roles.get(implied)!)
  return roles
}
