import { beforeAll, describe, expect, test } from 'vitest'
import { type Client, freshClient, login, waitForStatus } from '../client.ts'
import { suite } from '../suite.ts'
import { identityRows } from './inherited-keys/identity.ts'
import { imageRows } from './inherited-keys/image.ts'
import { objectRows } from './inherited-keys/object.ts'
import { names, type Row, type Targets } from './inherited-keys/row.ts'
import { volumeRows } from './inherited-keys/volume.ts'
import { volumeAdminRows } from './inherited-keys/volume-admin.ts'

/** Filled before the first test: rows read it when they are asked. */
const targets = {} as Targets

beforeAll(async () => {
  const { urls, admin: account } = suite()
  const admin = await login(urls, account)
  const member = await freshClient(urls, account)
  const make = async (client: Client, path: string, json: unknown, version = '3.11'): Promise<string> => {
    const { body } = await client.must('volume', 'POST', path, { json, version })
    return (Object.values(body)[0] as { id: string }).id
  }
  const volume = await make(member, '/volumes', { volume: { size: 1 } })
  await waitForStatus(member, `/volumes/${volume}`, 'available')
  const snapshot = await make(member, '/snapshots', { snapshot: { volume_id: volume } })
  await waitForStatus(member, `/snapshots/${snapshot}`, 'available')
  const name = `names-${volume}`
  const image = { name, disk_format: 'raw', container_format: 'bare' }
  Object.assign(targets, {
    admin,
    member,
    volume,
    snapshot,
    type: await make(admin, '/types', { volume_type: { name } }),
    qos: await make(admin, '/qos-specs', { qos_specs: { name } }),
    groupType: await make(admin, '/group_types', { group_type: { name } }),
    image: (await member.must('image', 'POST', '/images', { json: image })).body.id,
  })
  await member.must('object', 'PUT', '/names')
  for (const ending of names) await member.must('object', 'PUT', `/names/ending.${ending}`, { body: new Uint8Array(1) })
})

async function run(client: Client, row: Row): Promise<void> {
  const found: string[] = []
  for (const name of names) {
    const { path, ...options } = row.ask(name)
    const answer = await client.call(row.service, row.method, path, options)
    const fits = answer.status === row.status && (row.fits?.(answer, name) ?? true)
    found.push(fits ? `${name} ${row.status}` : `${name} ${answer.status} ${JSON.stringify(answer.body).slice(0, 200)}`)
  }
  expect(found).toEqual(names.map((name) => `${name} ${row.status}`))
}

describe.each([
  ['identity', identityRows(targets), () => targets.admin],
  ['volume, as a member', volumeRows(targets), () => targets.member],
  ['volume, as an administrator', volumeAdminRows(targets), () => targets.admin],
  ['image', imageRows(targets), () => targets.member],
  ['object', objectRows(), () => targets.member],
] as const)('a name that every object inherits is a name like others: %s', (_group, rows, client) => {
  test.each(rows.map((row) => [row.title, row] as const))('%s', (_title, row) => run(client(), row))
})
