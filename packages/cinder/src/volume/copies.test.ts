import { afterAll, beforeAll, expect, test } from 'vitest'
import { project, startTestCinder, type TestCinder } from '../start-for-tests.ts'

let cinder: TestCinder
beforeAll(async () => {
  cinder = await startTestCinder()
  const quota_set = { volumes: -1, snapshots: -1, gigabytes: -1 }
  await cinder.ask('PUT', `/os-quota-sets/${project}`, { quota_set }, { token: 'admin' })
})
afterAll(() => cinder.close())

async function make(path: string, body: Record<string, object>): Promise<string> {
  const reply = await cinder.ask('POST', path, body)
  expect(reply.status).toBe(202)
  return (Object.values(reply.body)[0] as { id: string }).id
}

/** Requests reach the backend in any order, so each test runs with many volumes at once. */
const many = Array.from({ length: 12 }, (_unused, index) => index)

test('a volume that is extended right after a clone request is cloned first', async () => {
  await Promise.all(
    many.map(async () => {
      const source = await make('/volumes', { volume: { size: 1 } })
      await cinder.wait(`/volumes/${source}`, 'available')
      const clone = await make('/volumes', { volume: { size: 1, source_volid: source } })
      const extended = await cinder.ask('POST', `/volumes/${source}/action`, { 'os-extend': { new_size: 2 } })
      expect(extended.status).toBe(202)
      expect(await cinder.wait(`/volumes/${clone}`, 'available')).toMatchObject({ size: 1 })
      expect(await cinder.wait(`/volumes/${source}`, 'available')).toMatchObject({ size: 2 })
    }),
  )
})

test('a volume that is deleted right after a clone request is cloned first', async () => {
  await Promise.all(
    many.map(async () => {
      const source = await make('/volumes', { volume: { size: 1 } })
      await cinder.wait(`/volumes/${source}`, 'available')
      const clone = await make('/volumes', { volume: { size: 1, source_volid: source } })
      expect((await cinder.ask('DELETE', `/volumes/${source}`)).status).toBe(202)
      await cinder.wait(`/volumes/${clone}`, 'available')
      await cinder.wait(`/volumes/${source}`, 'gone')
    }),
  )
})

test('a snapshot that is deleted right after a request for a volume of it is copied first', async () => {
  await Promise.all(
    many.map(async () => {
      const source = await make('/volumes', { volume: { size: 1 } })
      await cinder.wait(`/volumes/${source}`, 'available')
      const snapshot = await make('/snapshots', { snapshot: { volume_id: source } })
      await cinder.wait(`/snapshots/${snapshot}`, 'available')
      const volume = await make('/volumes', { volume: { size: 1, snapshot_id: snapshot } })
      expect((await cinder.ask('DELETE', `/snapshots/${snapshot}`)).status).toBe(202)
      await cinder.wait(`/volumes/${volume}`, 'available')
      await cinder.wait(`/snapshots/${snapshot}`, 'gone')
    }),
  )
})
