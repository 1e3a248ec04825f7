import { migrate, openDatabase } from '@hearth/database'
import { expect, test } from 'vitest'
import { migrations } from '../../../migrations/index.ts'
import { bootstrapInput } from '../../fixture.ts'
import { buildCatalog } from '../catalog/build.ts'
import { checkPassword } from '../passwords.ts'
import { listEvents } from '../tokens/store.ts'
import { findLogin, saveUser } from '../users/store.ts'
import { bootstrap } from './bootstrap.ts'

const tables = [
  'users',
  'projects',
  'roles',
  'implied_roles',
  'role_assignments',
  'catalog_services',
  'catalog_endpoints',
]

test('bootstrap creates everything once, however often it runs, and updates addresses and service passwords', async () => {
  const database = await openDatabase('sqlite::memory:')
  await migrate(database, 'keystone', migrations)
  const count = () =>
    Promise.all(tables.map(async (table) => Number((await database.query(table).count('* as n').first())!.n)))
  await bootstrap(database, bootstrapInput)
  const first = await count()
  expect(first).toEqual([5, 4, 6, 3, 9, 5, 15])

  const find = (name: string) => findLogin(database.query, { name, domain: { name: 'Default' } })
  const passwords = { ...bootstrapInput.passwords, admin: 'later', cinder: 'later' }
  const urls = { ...bootstrapInput.urls, image: 'http://elsewhere:9292' }
  await saveUser(database.query, { ...(await find('demo'))!, passwordHash: null })
  await bootstrap(database, { passwords, urls })
  expect(await count()).toEqual(first)
  expect(await checkPassword('secret-a', (await find('admin'))!.passwordHash)).toBe(true)
  expect(await checkPassword('later', (await find('cinder'))!.passwordHash)).toBe(true)
  expect((await find('demo'))!.passwordHash).toBeNull()
  const catalog = await buildCatalog(database.query, { userId: 'u', projectId: 'p' })
  const image = catalog.find((service) => service.type === 'image')!
  expect(new Set(image.endpoints.map((endpoint) => endpoint.url))).toEqual(new Set(['http://elsewhere:9292']))
  await database.close()
})

test('a password that the operator has changed is stored and revokes the user’s tokens; other passwords stay', async () => {
  const database = await openDatabase('sqlite::memory:')
  await migrate(database, 'keystone', migrations)
  await bootstrap(database, bootstrapInput)
  const passwords = { ...bootstrapInput.passwords, admin: 'later', demo: 'later' }
  await bootstrap(database, { ...bootstrapInput, passwords, changed: ['admin'] })
  const find = async (name: string) => (await findLogin(database.query, { name, domain: { name: 'Default' } }))!
  expect(await checkPassword('later', (await find('admin')).passwordHash)).toBe(true)
  expect(await checkPassword('later', (await find('demo')).passwordHash)).toBe(false)
  expect(await listEvents(database.query, 0)).toMatchObject([{ userId: (await find('admin')).id }])
  await database.close()
})

test('service users have only the roles that they need, and lose those that an earlier version gave them', async () => {
  const database = await openDatabase('sqlite::memory:')
  await migrate(database, 'keystone', migrations)
  await bootstrap(database, bootstrapInput)
  const held = async (name: string) => {
    const { id } = (await findLogin(database.query, { name, domain: { name: 'Default' } }))!
    const roles = await database
      .query('role_assignments as held')
      .join('roles', 'roles.id', 'held.role_id')
      .where('held.actor_id', id)
      .orderBy('roles.name')
      .pluck('roles.name')
    return { id, roles: (roles as string[]).toSorted() }
  }
  const before = await held('glance')
  expect(before.roles).toEqual(['member', 'service'])
  expect((await held('swift')).roles).toEqual(['service'])
  const assignment = await database.query('role_assignments').where({ actor_id: before.id }).first()
  for (const name of ['admin', 'ResellerAdmin']) {
    const role_id = (await database.query('roles').where({ name }).first()).id
    await database.query('role_assignments').insert({ ...assignment, role_id })
  }
  expect((await held('glance')).roles).toHaveLength(4)
  await bootstrap(database, bootstrapInput)
  expect((await held('glance')).roles).toEqual(['member', 'service'])
  expect(await listEvents(database.query, 0)).toMatchObject([
    { userId: before.id, projectId: assignment.target_id },
    { userId: before.id },
  ])
  await database.close()
})
