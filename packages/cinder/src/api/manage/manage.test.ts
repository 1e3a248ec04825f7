import { mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DriverError, type ManageableObject } from '@hearth/driver'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestCinder, type TestCinder } from '../../start-for-tests.ts'

const folder = await mkdtemp(join(tmpdir(), 'hearth-manage-'))
let cinder: TestCinder
/** Interrupts the next adoption before or after the rename, as a kill would. */
let interrupt: 'before' | 'after' | undefined
const unsafe = new Map<string, string>()

async function renameObject(from: string, to: string): Promise<void> {
  if (interrupt === 'before') await killRole()
  if ((await stat(join(folder, from)).catch(() => null)) === null) throw new DriverError('not-found', `no ${from}`)
  await rename(join(folder, from), join(folder, to))
  if (interrupt === 'after') await killRole()
}

/** Stops the volume role while its driver works: its signal fires, and the result is lost. */
async function killRole(): Promise<never> {
  interrupt = undefined
  void cinder.restartVolume()
  await new Promise((resolve) => setTimeout(resolve, 200))
  throw new DriverError('failed', 'killed')
}

beforeAll(async () => {
  cinder = await startTestCinder({ volume: { folder } })
  const { volume } = cinder
  volume.manageable = async () => {
    const names = (await readdir(folder)).filter((name) => !name.endsWith('.part'))
    return names.map((name): ManageableObject => {
      const kind = name.includes('snap') ? 'snapshot' : 'volume'
      const reason = unsafe.get(name)
      return { kind, name, sizeGiB: 3, ...(reason && { unsafe: reason }) }
    })
  }
  volume.manage = async ({ name }, reference) => void (await renameObject(reference.name, name))
  volume.manageSnapshot = async ({ name }, reference) => void (await renameObject(reference.name, name))
})
afterAll(async () => {
  await cinder.close()
  await rm(folder, { recursive: true, force: true })
})

const ask = (method: string, path: string, body?: object) =>
  cinder.ask(method, path, body, { token: 'admin', version: '3.8' })
const manage = (name: string, more: object = {}) =>
  ask('POST', '/manageable_volumes', { volume: { host: 'host1@memory', ref: { 'source-name': name }, ...more } })
const usedGiB = async (): Promise<number> =>
  (await ask('GET', '/os-quota-sets/11111111111111111111111111111111?usage=True')).body.quota_set.gigabytes.in_use

async function writeObject(name: string, text: string): Promise<void> {
  const file = await open(join(folder, name), 'w')
  await file.write(text)
  await file.close()
}

async function firstBytes(name: string): Promise<string> {
  const file = await open(join(folder, name))
  const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0)
  await file.close()
  return buffer.toString('utf8', 0, bytesRead)
}

test('an adopted object of any name becomes a volume with Hearth’s name, and keeps its size and bytes', async () => {
  await writeObject('Payroll (old), v2', 'payroll')
  const made = await manage('Payroll (old), v2', { name: 'payroll', bootable: true, metadata: { from: 'array' } })
  expect(made.status).toBe(202)
  expect(made.body.volume).toMatchObject({ status: 'creating', size: 3, name: 'payroll', bootable: 'true' })
  const { id } = made.body.volume
  await cinder.wait(`/volumes/${id}`, 'available')
  expect(await firstBytes(`volume-${id}`)).toBe('payroll')
  expect(await readdir(folder)).toEqual([`volume-${id}`])
  expect((await ask('GET', '/manageable_volumes?host=nobody@memory')).status).toBe(400)
  const listed = await ask('GET', '/manageable_volumes/detail?host=host1@memory')
  expect(listed.body['manageable-volumes']).toEqual([
    {
      reference: { 'source-name': `volume-${id}` },
      size: 3,
      safe_to_manage: false,
      reason_not_safe: 'already managed',
      cinder_id: id,
      extra_info: null,
    },
  ])
  await ask('POST', `/volumes/${id}/action`, { 'os-unmanage': {} })
  await cinder.restartVolume()
  expect(await readdir(folder)).toEqual([`volume-${id}`])
  const back = await manage(`volume-${id}`)
  await cinder.wait(`/volumes/${back.body.volume.id}`, 'available')
  await ask('DELETE', `/volumes/${back.body.volume.id}`)
  await cinder.wait(`/volumes/${back.body.volume.id}`, 'gone')
  expect(await readdir(folder)).toEqual([])
})

test('references to missing or unsafe objects are refused and take no quota', async () => {
  const before = await usedGiB()
  await writeObject('in-use', 'x')
  unsafe.set('in-use', 'it is mounted')
  for (const [name, reason] of [
    ['nothing-there', 'it does not exist on the backend.'],
    ['in-use', 'it is mounted.'],
  ] as const) {
    const { status, body } = await manage(name)
    expect({ status, message: body.badRequest?.message }).toEqual({
      status: 400,
      message: `Manage existing volume failed due to invalid backend reference {"source-name":"${name}"}: ${reason}`,
    })
  }
  for (const ref of [{ 'source-nam': 'in-use' }, { 'source-name': 7 }]) {
    const { status, body } = await ask('POST', '/manageable_volumes', { volume: { host: 'host1@memory', ref } })
    expect(status).toBe(400)
    expect(body.badRequest.message).toContain('Reference must contain source-name element.')
  }
  const elsewhere = await ask('POST', '/manageable_volumes', {
    volume: { host: 'no@where', ref: { 'source-name': 'x' } },
  })
  expect(elsewhere.status).toBe(400)
  expect(await usedGiB()).toBe(before)
  await rm(join(folder, 'in-use'))
})

test.each(['before', 'after'] as const)(
  'an adoption that is interrupted %s the rename is finished later',
  async (when) => {
    await writeObject(`cut-${when}`, when)
    interrupt = when
    const made = await manage(`cut-${when}`)
    const again = await manage(`cut-${when}`)
    expect(again.status).toBe(400)
    const { id } = made.body.volume
    await cinder.wait(`/volumes/${id}`, 'available')
    expect(await firstBytes(`volume-${id}`)).toBe(when)
    await ask('DELETE', `/volumes/${id}`)
    await cinder.wait(`/volumes/${id}`, 'gone')
  },
)

test('a volume whose object vanishes before adoption ends in error, and its deletion releases quota', async () => {
  const before = await usedGiB()
  await writeObject('fleeting', 'x')
  const { manageable } = cinder.volume
  cinder.volume.manageable = async () => [{ kind: 'volume', name: 'fled', sizeGiB: 3 }]
  const made = await manage('fled')
  cinder.volume.manageable = manageable!
  const path = `/volumes/${made.body.volume.id}`
  await cinder.wait(path, 'error')
  expect(await usedGiB()).toBe(before + 3)
  await ask('DELETE', path)
  await cinder.wait(path, 'gone')
  expect(await usedGiB()).toBe(before)
  expect(await readdir(folder)).toEqual(['fleeting'])
  await rm(join(folder, 'fleeting'))
})

test('an adopted snapshot of the backend becomes a snapshot of its volume', async () => {
  await writeObject('disk', 'now')
  const { id } = (await manage('disk')).body.volume
  await cinder.wait(`/volumes/${id}`, 'available')
  await writeObject('disk-snap', 'then')
  const ref = { 'source-name': 'disk-snap' }
  const made = await ask('POST', '/manageable_snapshots', { snapshot: { volume_id: id, ref, name: 'then' } })
  expect(made.status).toBe(202)
  expect(made.body.snapshot).toMatchObject({ status: 'creating', size: 3, volume_id: id, name: 'then' })
  const snapshot = made.body.snapshot.id
  await cinder.wait(`/snapshots/${snapshot}`, 'available')
  expect(await firstBytes(`snapshot-${snapshot}`)).toBe('then')
  const none = { volume_id: id, ref: { 'source-name': 'none' } }
  expect((await ask('POST', '/manageable_snapshots', { snapshot: none })).status).toBe(400)
  await ask('DELETE', `/snapshots/${snapshot}`)
  await cinder.wait(`/snapshots/${snapshot}`, 'gone')
  expect(await readdir(folder)).toEqual([`volume-${id}`])
})

test('orphans stay on a backend that is not exclusive, and are removed from one that is', async () => {
  const { body } = await ask('POST', '/volumes', { volume: { size: 1 } })
  await cinder.wait(`/volumes/${body.volume.id}`, 'available')
  const foreign = 'volume-77777777-7777-4777-8777-777777777777'
  await writeObject(foreign, 'theirs')
  await cinder.exporter.create({ name: foreign, path: '/', sizeBytes: 1, blockSize: 512, chap: null })
  cinder.backend.isExclusive = false
  await cinder.restartVolume()
  expect(await readdir(folder)).toContain(foreign)
  expect(await cinder.exporter.list()).toContain(foreign)
  cinder.backend.isExclusive = true
  await cinder.restartVolume()
  expect(await readdir(folder)).not.toContain(foreign)
  expect(await cinder.exporter.list()).not.toContain(foreign)
})
