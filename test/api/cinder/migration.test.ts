import { createHash } from 'node:crypto'
import { createReadStream, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, freshClient, login, until, waitForStatus, waitUntilGone } from '../../client.ts'
import { removeDataFolder, type Started, start as startSuite } from '../../start.ts'

const mib = 1024 ** 2
const start = 100 * mib
const dataFolder = mkdtempSync(join(tmpdir(), 'hearth-migration-'))
const folderOf = (name: string): string => join(dataFolder, `backend-${name}`)
const host = (name: string): string => `${hostname()}@${name}#${name}`
const backend = (name: string) => ({
  driver: '@hearth/driver-file',
  options: { folder: folderOf(name), poolName: name },
})
const config = { volume: { backends: { first: backend('first'), second: backend('second') } } }

let suite: Started
let admin: Client
let user: Client
beforeAll(async () => {
  suite = await startSuite({ dataFolder, config })
  admin = await login(suite.urls, suite.admin)
  user = await freshClient(suite.urls, suite.admin)
  for (const name of ['first', 'second']) {
    const json = { volume_type: { name, extra_specs: { pool_name: name } } }
    await admin.must('volume', 'POST', '/types', { json })
  }
})
afterAll(async () => {
  await suite?.close()
  await removeDataFolder(dataFolder)
  rmSync(dataFolder, { recursive: true, force: true })
})

interface Made {
  id: string
  /** Backend it was put on, and the other one. */
  from: string
  to: string
  length: number
  hash: string
}

/** A volume with `length` random bytes from `start` on, written past the service. */
async function makeVolume(length: number, more: object = {}): Promise<Made> {
  const json = { volume: { size: 1, ...more } }
  const { body } = await user.must('volume', 'POST', '/volumes', { json })
  const { id } = await waitForStatus(user, `/volumes/${body.volume.id}`, 'available')
  const from = (await show(id))['os-vol-host-attr:host'].split('#')[1]
  const path = join(folderOf(from), `volume-${id}`)
  const numbers = ['bs=1M', `count=${length / mib}`, `seek=${start / mib}`, 'conv=notrunc', 'status=none']
  await execa('dd', ['if=/dev/urandom', `of=${path}`, ...numbers])
  return { id, from, to: from === 'first' ? 'second' : 'first', length, hash: await hashOf(path, length) }
}

const show = async (id: string) => (await admin.must('volume', 'GET', `/volumes/${id}`)).body.volume

/** Of the random bytes and a little on both sides. */
async function hashOf(path: string, length: number): Promise<string> {
  const hash = createHash('sha256')
  const range = { start: start - mib, end: start + length + mib }
  await pipeline(createReadStream(path, { highWaterMark: mib, ...range }), hash)
  return hash.digest('hex')
}

const action = (client: Client, id: string, json: object) =>
  client.call('volume', 'POST', `/volumes/${id}/action`, { json })

/** Files of the volumes on a backend. */
const filesOf = (name: string): string[] => readdirSync(folderOf(name)).filter((file) => file.startsWith('volume-'))

async function expectMoved({ id, from, to, length, hash }: Made): Promise<void> {
  await until(
    () => show(id),
    (volume) => volume.migration_status === 'success' && volume.status === 'available',
  )
  expect((await show(id))['os-vol-host-attr:host']).toBe(host(to))
  await until(
    async () => filesOf(from),
    (files) => files.length === 0,
  )
  expect(await Promise.all(filesOf(to).map((file) => hashOf(join(folderOf(to), file), length)))).toEqual([hash])
  expect((await user.call('volume', 'DELETE', `/volumes/${id}`)).status).toBe(202)
  await waitUntilGone(user, 'volume', `/volumes/${id}`)
  expect([...filesOf(from), ...filesOf(to)]).toEqual([])
}

test('an administrator moves a volume to another backend; others may not', async () => {
  const made = await makeVolume(10 * mib)
  const json = { 'os-migrate_volume': { host: host(made.to), force_host_copy: true, lock_volume: true } }
  expect((await action(user, made.id, json)).status).toBe(403)
  expect((await action(admin, made.id, { 'os-migrate_volume': { host: host(made.from) } })).status).toBe(400)
  expect((await action(admin, made.id, { 'os-migrate_volume': { host: 'nobody@nothing#none' } })).status).toBe(400)
  expect((await action(admin, made.id, json)).status).toBe(202)
  await expectMoved(made)
})

test('a retype on demand moves the volume to a pool of its new type', async () => {
  const made = await makeVolume(10 * mib, { volume_type: 'first' })
  const retype = { new_type: 'second', migration_policy: 'on-demand' }
  expect((await action(user, made.id, { 'os-retype': retype })).status).toBe(202)
  await until(
    () => show(made.id),
    (volume) => volume.volume_type === 'second' && volume.status === 'available',
  )
  await expectMoved(made)
})

test('a suite killed in the middle of a migration ends it after its next start', async () => {
  const made = await makeVolume(300 * mib)
  const json = { 'os-migrate_volume': { host: host(made.to), force_host_copy: true } }
  expect((await action(admin, made.id, json)).status).toBe(202)
  const copied = () =>
    filesOf(made.to).reduce((sum, file) => sum + statSync(join(folderOf(made.to), file)).blocks * 512, 0)
  while (copied() < 50 * mib) await new Promise((resolve) => setTimeout(resolve, 2))
  await suite.kill9()
  suite = await startSuite({ dataFolder, config })
  admin = await login(suite.urls, suite.admin)
  await expectMoved(made)
})
