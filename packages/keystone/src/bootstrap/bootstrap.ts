import { hexId } from '@hearth/core'
import type { Database, Transaction } from '@hearth/database'
import { type Assignment, addAssignment, removeAssignment } from '../assignments/store.ts'
import { newDomain } from '../domains/create.ts'
import { checkPassword, hashDrawnSecret, hashPassword } from '../passwords.ts'
import { findDomain, findScope, insertProject } from '../projects/store.ts'
import { revoke } from '../tokens/store.ts'
import { findLogin, insertUser, noPassword, saveUser, type User } from '../users/store.ts'
import { type CatalogUrls, writeCatalog } from './catalog.ts'
import { ensureRoles } from './roles.ts'

type ServiceUser = 'cinder' | 'glance' | 'swift'

export interface BootstrapInput {
  /**
   * By user name. `admin` and `demo` get theirs when they are made and when they are in `changed`: a change made through the
   * API stays. Those of the services are written again whenever they differ, for the services log in with them.
   */
  passwords: Record<'admin' | 'demo' | ServiceUser, string>
  /** Names of the passwords that the operator has changed since the last time. */
  changed?: readonly string[]
  urls: CatalogUrls
  /** Default RegionOne. */
  region?: string
}

/**
 * Service users and their roles in project `service`. Cinder is an administrator because it reads and fills images of every
 * project, and because Nova shows other projects' servers to nobody else: a server that it cannot see would count as gone,
 * and its volume could be taken from under it. ResellerAdmin lets it store backups in the accounts of their owners. Glance
 * stores images in the account of project `service`, for which `member` is enough.
 */
const serviceRoles: Record<ServiceUser, string[]> = {
  cinder: ['service', 'admin', 'ResellerAdmin'],
  glance: ['service', 'member'],
  swift: ['service'],
}

/** What earlier versions gave to service users that did not need it. */
const surplusRoles = ['admin', 'ResellerAdmin']

/** Nobody guesses a password that a machine drew, and nobody is there to change it: rules for people would lock it out. */
const serviceOptions = {
  ignore_change_password_upon_first_use: true,
  ignore_lockout_failure_attempts: true,
  ignore_password_expiry: true,
  ignore_user_inactivity: true,
}

/** Makes what a first start needs and brings the catalog up to date. Bears repetition. */
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

/** Removes a grant, and with it the tokens that carry it. */
async function removeGrant(tx: Transaction, grant: Assignment): Promise<void> {
  if (await removeAssignment(tx, grant))
    await recordRevocation(tx, { userId: grant.actorId, projectId: grant.targetId })
}

/** Nobody in this process reads revocations before the first start is done. */
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

/** Password hashes to be written, by user; null where the one stored is to stay. */
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
    // Tokens of the old password end with it.
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
