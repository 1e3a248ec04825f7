import { afterEach, beforeEach, expect, test } from 'vitest'
import { startTestCinder, type TestCinder } from '../start-for-tests.ts'

let cinder: TestCinder
beforeEach(async () => {
  cinder = await startTestCinder()
})
afterEach(() => cinder.close())

async function make(size = 1): Promise<string> {
  const { body } = await cinder.ask('POST', '/volumes', { volume: { size } })
  await cinder.wait(`/volumes/${body.volume.id}`, 'available')
  return body.volume.id
}

/** Sets columns of the row as a crash in the middle of an operation would leave them. */
async function interrupt(id: string, set: Record<string, unknown>, table = 'volumes'): Promise<void> {
  await cinder.database.query(table).where({ id }).update(set)
}

test('a creation is finished after a restart', async () => {
  const id = await make()
  await interrupt(id, { status: 'creating', launched_at: null, task: '{"bootable":false}' })
  await cinder.restartVolume()
  await cinder.wait(`/volumes/${id}`, 'available')
})

test('a deletion is finished after a restart, and its quota is released once', async () => {
  const id = await make(2)
  await interrupt(id, { status: 'deleting' })
  await cinder.restartVolume()
  await cinder.wait(`/volumes/${id}`, 'gone')
  const { absolute } = (await cinder.ask('GET', '/limits')).body.limits
  expect(absolute).toMatchObject({ totalVolumesUsed: 0, totalGigabytesUsed: 0 })
  expect((await cinder.volume.list!()).volumes).toEqual([])
})

test('an extension that the scheduler has accepted is finished after a restart', async () => {
  const id = await make()
  const task = JSON.stringify({ newSizeGiB: 3, typeName: '__DEFAULT__', placed: true })
  await interrupt(id, { status: 'extending', previous_status: 'available', task })
  await cinder.restartVolume()
  expect((await cinder.wait(`/volumes/${id}`, 'available')).size).toBe(3)
})

test('creations and deletions of snapshots are finished after a restart', async () => {
  const id = await make()
  const take = async (): Promise<string> => {
    const { body } = await cinder.ask('POST', '/snapshots', { snapshot: { volume_id: id } })
    await cinder.wait(`/snapshots/${body.snapshot.id}`, 'available')
    return body.snapshot.id
  }
  const [making, deleting] = [await take(), await take()]
  await interrupt(making, { status: 'creating' }, 'snapshots')
  await interrupt(deleting, { status: 'deleting' }, 'snapshots')
  await cinder.restartVolume()
  await cinder.wait(`/snapshots/${making}`, 'available')
  await cinder.wait(`/snapshots/${deleting}`, 'gone')
  expect((await cinder.volume.list!()).snapshots).toEqual([`snapshot-${making}`])
})

test('orphans are removed, but not unmanaged volumes, which can be adopted again', async () => {
  const id = await make()
  const orphan = { id: 'x', name: 'volume-66666666-6666-4666-8666-666666666666', sizeGiB: 1 }
  await cinder.volume.create(orphan)
  const gone = await make()
  const action = { 'os-unmanage': {} }
  expect((await cinder.ask('POST', `/volumes/${gone}/action`, action, { token: 'admin' })).status).toBe(202)
  await cinder.restartVolume()
  expect((await cinder.volume.list!()).volumes.sort()).toEqual([`volume-${id}`, `volume-${gone}`].sort())

  const volume = { host: 'host1@memory', ref: { 'source-name': `volume-${gone}` }, name: 'back' }
  const managed = await cinder.ask('POST', '/manageable_volumes', { volume }, { token: 'admin', version: '3.8' })
  expect(managed.status).toBe(202)
  expect(managed.body.volume).toMatchObject({ name: 'back', size: 1 })
  await cinder.wait(`/volumes/${managed.body.volume.id}`, 'available')
  const again = await cinder.ask('POST', '/manageable_volumes', { volume }, { token: 'admin', version: '3.8' })
  expect(again.status).toBe(400)
  await cinder.ask('DELETE', `/volumes/${managed.body.volume.id}`)
  await cinder.wait(`/volumes/${managed.body.volume.id}`, 'gone')
  expect((await cinder.volume.list!()).volumes).toEqual([`volume-${id}`])
})
