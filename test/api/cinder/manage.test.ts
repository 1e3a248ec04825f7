import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { type Answer, login, until, waitForStatus, waitUntilGone } from '../../client.ts'
import { suite } from '../../suite.ts'

const { urls, admin } = suite()
const client = await login(urls, admin)
const version = '3.8'
const ask = (method: string, path: string, json?: unknown): Promise<Answer> =>
  client.call('volume', method, path, { version, ...(json === undefined ? {} : { json }) })
const act = (path: string, json: unknown) => client.must('volume', 'POST', `${path}/action`, { json })

/** The only volume service, with its pool. */
async function host(): Promise<string> {
  const { body } = await client.must('volume', 'GET', '/scheduler-stats/get_pools')
  return body.pools[0].name
}

async function makeVolume(volume: object = {}): Promise<{ id: string; [key: string]: unknown }> {
  const { body } = await client.must('volume', 'POST', '/volumes', { json: { volume: { size: 1, ...volume } } })
  return waitForStatus(client, `/volumes/${body.volume.id}`, 'available')
}

test('a volume given away stays on the backend, is listed there, and is taken in again with its snapshot', async () => {
  const { id } = await makeVolume({ name: 'travels' })
  const name = `volume-${id}`
  const { body } = await client.must('volume', 'POST', '/snapshots', { json: { snapshot: { volume_id: id } } })
  const snapshotId = body.snapshot.id
  await waitForStatus(client, `/snapshots/${snapshotId}`, 'available')
  const tied = await ask('POST', `/volumes/${id}/action`, { 'os-unmanage': {} })
  expect(tied.status).toBe(400)
  await act(`/snapshots/${snapshotId}`, { 'os-unmanage': {} })
  await waitUntilGone(client, 'volume', `/snapshots/${snapshotId}`)
  await act(`/volumes/${id}`, { 'os-unmanage': {} })
  await waitUntilGone(client, 'volume', `/volumes/${id}`)

  const pool = await host()
  const listed = await until(
    () => ask('GET', `/manageable_volumes/detail?host=${encodeURIComponent(pool)}&sort=size:asc`),
    (answer) => answer.status === 200,
  )
  const found = listed.body['manageable-volumes'].find(
    (one: { reference: Record<string, string> }) => one.reference['source-name'] === name,
  )
  expect(found).toMatchObject({ size: 1, safe_to_manage: true, reason_not_safe: null, cinder_id: null })

  const volume = { host: pool, ref: { 'source-name': name }, name: 'came back', metadata: { trip: 'one' } }
  const managed = await ask('POST', '/manageable_volumes', { volume })
  expect(managed.status).toBe(202)
  const path = `/volumes/${managed.body.volume.id}`
  const shown = await waitForStatus(client, path, 'available')
  expect(shown).toMatchObject({ name: 'came back', size: 1, metadata: { trip: 'one' } })
  const twice = await ask('POST', '/manageable_volumes', { volume })
  expect(twice.status).toBe(400)

  const ref = { 'source-name': `snapshot-${snapshotId}` }
  const snapshot = { volume_id: managed.body.volume.id, ref, name: 'came too' }
  const taken = await ask('POST', '/manageable_snapshots', { snapshot })
  expect(taken.status).toBe(202)
  const snapshotPath = `/snapshots/${taken.body.snapshot.id}`
  expect(await waitForStatus(client, snapshotPath, 'available')).toMatchObject({ name: 'came too', size: 1 })
  await client.must('volume', 'DELETE', snapshotPath)
  await waitUntilGone(client, 'volume', snapshotPath)
  await client.must('volume', 'DELETE', path)
  await waitUntilGone(client, 'volume', path)
})

test('references that mean nothing are refused as upstream words it', async () => {
  const pool = await host()
  const { id } = await makeVolume()
  const unknown = `no-such-${randomUUID()}`
  const cases: [string, unknown, string][] = [
    ['/manageable_volumes', { volume: { host: pool, ref: { 'source-name': unknown } } }, unknown],
    ['/manageable_volumes', { volume: { host: pool, ref: { colour: 'red' } } }, 'Reference must contain source-name'],
    [
      '/manageable_volumes',
      { volume: { host: pool, ref: { 'source-name': '../../etc/passwd' } } },
      'invalid backend reference',
    ],
    ['/manageable_volumes', { volume: { host: pool, ref: { 'source-name': `volume-${id}` } } }, 'managed already'],
    ['/manageable_volumes', { volume: { host: 'no@where', ref: { 'source-name': 'x' } } }, 'no@where'],
    ['/manageable_snapshots', { snapshot: { volume_id: id, ref: { 'source-name': unknown } } }, unknown],
  ]
  for (const [path, json, message] of cases) {
    const { status, body } = await ask('POST', path, json)
    expect({ status, body: JSON.stringify(body) }).toEqual({ status: 400, body: expect.stringContaining(message) })
  }
  expect((await ask('GET', '/manageable_volumes')).status).toBe(400)
  await client.must('volume', 'DELETE', `/volumes/${id}`)
})
