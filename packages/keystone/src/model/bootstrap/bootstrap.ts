import { hexId } from '@hearth/core'
import type { Database, Transaction } from '@hearth/database'
import { type Assignment, addAssignment, removeAssignment } from '../assignments/store.ts'
import { newDomain } from '../domains/new-domain.ts'
import { checkPassword, hashDrawnSecret, hashPassword } from '../passwords.ts'
import { findDomain, findScope, insertProject } from '../projects/store.ts'
import { revoke } from '../tokens/store.ts'
import { findLogin, insertUser, noPassword, saveUser, type User } from '../users/store.ts'
import { type CatalogUrls, writeCatalog } from './catalog.ts'
import { ensureRoles } from './roles.ts'

type ServiceUser = 'cinder' | 'glance' | 'swift'

export interface BootstrapInput {
  /**
   * Password by user name. Those of `admin` and `demo` are written at creation and when they are in `changed`, so that
   * a change through the API stays. Those of services are written whenever they differ, because the services log in
   * with them.
   */
  passwords: Record<'admin' | 'demo' | ServiceUser, string>
  /** User names whose password the operator has changed since the last start. */
  changed?: readonly string[]
  urls: CatalogUrls
  /** Region of the endpoints; default RegionOne. */
  region?: string
}

/**
 * Roles of service users in project `service`. Cinder is admin: it reads and fills images of all projects, and Nova
 * shows other projects' servers only to an admin (a server that cinder cannot see would count as gone, and its volume
 * could be taken from it). ResellerAdmin lets cinder store backups in their owners' accounts; glance stores images in
 * the account of project `service` and needs only `member`.
 */
const serviceRoles: Record<ServiceUser, string[]> = {
  cinder: ['service', 'admin', 'ResellerAdmin'],
  glance: ['service', 'member'],
  swift: ['service'],
}

/** Roles that earlier versions gave to service users without need. */
const surplusRoles = ['admin', 'ResellerAdmin']

/**
 * Service passwords are random, so they cannot be guessed, and no person can change them when they expire: the rules
 * for people would lock the services out.
 */
const serviceOptions = {
  ignore_change_password_upon_first_use: true,
  ignore_lockout_failure_attempts: true,
  ignore_password_expiry: true,
  ignore_user_inactivity: true,
}

/** Creates the default domain, projects, users and roles, and updates the catalog. May be repeated. */
export async function bootstrap(database: Database, input: BootstrapInput): Promise<void> {
  const hashes = await missingHashes(database, input)
  await database.transaction(async (tx) => {
    if (!(await findDomain(tx, 'default'))) {
      const description = 'The default domain'
      await insertProject(tx, newDomain('default', { name: 'Default', description }))
    }
    const roles = await ensureRoles(tx)
    const grant = async (userId: string, projectId: string, names: string[]): Promise<void> => {
      for (const name of names) await addAssignment(tx, grantOf(userId, projectId, roles.get(name)!))
    }
    const users = new Map<string, string>()
    for (const [name, hash] of hashes) users.set(name, await ensureUser(tx, name, hash))
    const admin = await ensureProject(tx, 'admin', 'Administration')
    await grant(users.get('admin')!, admin, ['admin'])
    await addAssignment(tx, { ...grantOf(users.get('admin')!, '', roles.get('admin')!), targetType: 'system' })
    await grant(users.get('demo')!, await ensureProject(tx, 'demo', 'To try things in'), ['member'])
    const service = await ensureProject(tx, 'service', 'The services themselves')
    for (const [name, names] of Object.entries(serviceRoles)) {
      await grant(users.get(name)!, service, names)
      const surplus = surplusRoles.filter((role) => !names.includes(role))
      for (const role of surplus) await removeGrant(tx, grantOf(users.get(name)!, service, roles.get(role)!))
    }
    await writeCatalog(tx, input.urls, input.region ?? 'RegionOne')
  })
}

/** Removes a role assignment and revokes the tokens that contain the role. */
async function removeGrant(tx: Transaction, grant: Assignment): Promise<void> {
  if (await removeAssignment(tx, grant))
    await recordRevocation(tx, { userId: grant.actorId, projectId: grant.targetId })
}

/** Writes a revocation without notifying this process, which does not read revocations before the bootstrap is done. */
const recordRevocation = (tx: Transaction, event: { userId: string; projectId?: string }): Promise<void> =>
  revoke(tx, [event], { tokens: { noteRevocation: () => undefined } })

const grantOf = (userId: string, projectId: string, roleId: string): Assignment => ({
  actorType: 'user',
  actorId: userId,
  targetType: 'project',
  targetId: projectId,
  roleId,
  inherited: false,
})

/** Returns the password hashes to write by user name; null when the stored hash stays. */
async function missingHashes(database: Database, input: BootstrapInput): Promise<Map<string, string | null>> {
  const people = (['admin', 'demo', 'cinder', 'glance', 'swift'] as const).map((name): [string, string, boolean] => [
    name,
    input.passwords[name],
    name in serviceRoles || (input.changed ?? []).includes(name),
  ])
  const hashes = people.map(async ([name, password, follows]): Promise<[string, string | null]> => {
    const user = await findLogin(database.query, { name, domain: { id: 'default' } })
    const stays = user && (!follows || (await checkPassword(password, user.passwordHash)))
    return [name, stays ? null : (follows && hashDrawnSecret(password)) || (await hashPassword(password))]
  })
  return new Map(await Promise.all(hashes))
}

async function ensureUser(tx: Transaction, name: string, hash: string | null): Promise<string> {
  const existing = await findLogin(tx, { name, domain: { id: 'default' } })
  const { id, user } = existing ? { id: existing.id, user: existing } : newUser(name)
  const isService = Object.hasOwn(serviceRoles, name)
  if (isService) user.options = { ...serviceOptions, ...user.options }
  if (hash === null) {
    if (isService) await saveUser(tx, user)
    return id
  }
  if (existing) {
    await saveUser(tx, { ...user, ...noPassword, passwordHash: hash })
    // Revokes the tokens of the old password.
    await recordRevocation(tx, { userId: id })
  } else await insertUser(tx, { ...user, passwordHash: hash })
  return id
}

function newUser(name: string): { id: string; user: User } {
  const id = hexId()
  const user = { id, domainId: 'default', name, enabled: true, defaultProjectId: null, ...noPassword }
  return { id, user: { ...user, createdAt: Date.now(), lastActiveAt: null, options: {}, extra: {} } }
}

async function ensureProject(tx: Transaction, name: string, description: string): Promise<string> {
  const existing = await findScope(tx, { name, domain: { id: 'default' } })
  if (existing) return existing.id
  const id = hexId()
  const position = { domainId: 'default', parentId: 'default', isDomain: false, enabled: true }
  await insertProject(tx, { id, ...position, name, description, options: {}, extra: {}, tags: [] })
  return id
}
