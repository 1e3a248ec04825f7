import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type Client, login, until, waitForStatus } from '../client.ts'
import { removeDataFolder, type Started, start } from '../start.ts'

const kills = Number(process.env.HEARTH_TEST_KILLS ?? 100)
/** Instants spread over the life of the operations, milliseconds after the first request; short ones more often. */
const instants = Array.from({ length: kills }, (_unused, index) => Math.round(1500 * ((index + 1) / kills) ** 2.5))

let suite: Started | undefined
afterAll(async () => {
  if (!suite) return
  await suite.close()
  await removeDataFolder(suite.dataFolder)
})

interface Row {
  id: string
  status: string
  size: number
  name: string
  container?: string
}

/** Everything a project has. */
interface Inventory {
  volumes: Row[]
  snapshots: Row[]
  backups: Row[]
  images: Row[]
}

async function inventory(client: Client): Promise<Inventory> {
  const list = async (path: string, key: string): Promise<Row[]> => (await client.must('volume', 'GET', path)).body[key]
  const images = (await client.must('image', 'GET', '/images?limit=1000')).body.images as Row[]
  const [volumes, snapshots, backups] = await Promise.all([
    list('/volumes/detail', 'volumes'),
    list('/snapshots/detail', 'snapshots'),
    list('/backups/detail', 'backups'),
  ])
  return { volumes: volumes!, snapshots: snapshots!, backups: backups!, images }
}

const settled = ({ volumes, snapshots, backups, images }: Inventory): boolean =>
  [...volumes, ...snapshots, ...backups].every((row) => !/ing$|ing-/.test(row.status)) &&
  images.every((row) => row.status === 'active' || row.status === 'queued')

/** Requests that were answered with success, by what they promised. */
interface Promises {
  created: string[]
  extended: { id: string; size: number } | null
  snapshots: string[]
  backups: string[]
  restored: string[]
  images: string[]
  deleted: string[]
}

interface Fixtures {
  extend: Row
  source: Row
  snapshotSource: Row
  backup: Row
  doomed: string[]
}

/** Begins every kind of operation at once; what is answered in time is recorded as promised. */
function beginAll(client: Client, fixtures: Fixtures, round: number, promises: Promises): void {
  const send = (path: string, json: unknown, note: (body: Record<string, { id: string }>) => void): void => {
    client.call('volume', 'POST', path, { json, version: '3.44' }).then(
      (answer) => {
        if (answer.status < 300) note(answer.body)
      },
      () => undefined,
    )
  }
  const size = fixtures.extend.size + 1
  send('/volumes', { volume: { size: 1, name: `made-${round}` } }, (body) => promises.created.push(body.volume!.id))
  send(`/volumes/${fixtures.extend.id}/action`, { 'os-extend': { new_size: size } }, () => {
    promises.extended = { id: fixtures.extend.id, size }
  })
  send('/snapshots', { snapshot: { volume_id: fixtures.snapshotSource.id, name: `snap-${round}` } }, (body) =>
    promises.snapshots.push(body.snapshot!.id),
  )
  send('/backups', { backup: { volume_id: fixtures.source.id, name: `backup-${round}`, force: true } }, (body) =>
    promises.backups.push(body.backup!.id),
  )
  send(`/backups/${fixtures.backup.id}/restore`, { restore: { name: `restored-${round}` } }, (body) =>
    promises.restored.push((body.restore as unknown as { volume_id: string }).volume_id),
  )
  const disk_format = round % 10 === 0 ? 'raw' : 'qcow2'
  const upload = { image_name: `image-${round}`, disk_format, container_format: 'bare', force: true }
  send(`/volumes/${fixtures.snapshotSource.id}/action`, { 'os-volume_upload_image': upload }, (body) =>
    promises.images.push((body['os-volume_upload_image'] as unknown as { image_id: string }).image_id),
  )
  for (const path of fixtures.doomed)
    client.call(path.startsWith('/images') ? 'image' : 'volume', 'DELETE', path).then(
      (answer) => {
        if (answer.status < 300) promises.deleted.push(path)
      },
      () => undefined,
    )
}

async function makeFixtures(client: Client): Promise<Fixtures> {
  const make = async (name: string): Promise<Row> => {
    const { body } = await client.must('volume', 'POST', '/volumes', { json: { volume: { size: 1, name } } })
    return waitForStatus(client, `/volumes/${body.volume.id}`, 'available')
  }
  const [extend, source, snapshotSource] = await Promise.all([
    make('to-extend'),
    make('to-back-up'),
    make('to-snapshot'),
  ])
  const { body } = await client.must('volume', 'POST', '/backups', {
    json: { backup: { volume_id: source!.id, name: 'kept' } },
  })
  const backup = await waitForStatus(client, `/backups/${body.backup.id}`, 'available')
  return { extend: extend!, source: source!, snapshotSource: snapshotSource!, backup, doomed: [] }
}

async function expectPromisesKept(promises: Promises, found: Inventory, doomed: string[]): Promise<void> {
  const statusOf = (rows: Row[], id: string): string => rows.find((row) => row.id === id)?.status ?? 'lost'
  const of = (rows: Row[], ids: string[]): string[] => ids.map((id) => statusOf(rows, id))
  expect(of(found.volumes, promises.created).filter((status) => status !== 'available')).toEqual([])
  expect(of(found.volumes, promises.restored).filter((status) => status !== 'available')).toEqual([])
  expect(of(found.snapshots, promises.snapshots).filter((status) => status !== 'available')).toEqual([])
  expect(of(found.backups, promises.backups).filter((status) => status !== 'available')).toEqual([])
  expect(of(found.images, promises.images).filter((status) => status !== 'active')).toEqual([])
  if (promises.extended)
    expect(found.volumes.find((row) => row.id === promises.extended!.id)?.size).toBe(promises.extended.size)
  const left = new Set(Object.values(found).flatMap((rows: Row[]) => rows.map((row) => row.id)))
  expect(promises.deleted.filter((path) => left.has(path.split('/').at(-1)!))).toEqual([])
  expect(doomed.length).toBeGreaterThanOrEqual(promises.deleted.length)
}

async function expectQuotaEqualsRecount(client: Client, found: Inventory): Promise<void> {
  const { body } = await client.must('volume', 'GET', `/os-quota-sets/${client.projectId}?usage=true`)
  const sum = (rows: Row[]): number => rows.reduce((total, row) => total + row.size, 0)
  const used = Object.fromEntries(
    ['volumes', 'snapshots', 'gigabytes', 'backups', 'backup_gigabytes'].map((key) => [
      key,
      body.quota_set[key].in_use,
    ]),
  )
  expect(used).toEqual({
    volumes: found.volumes.length,
    snapshots: found.snapshots.length,
    gigabytes: sum(found.volumes) + sum(found.snapshots),
    backups: found.backups.length,
    backup_gigabytes: sum(found.backups),
  })
}

/** Files, backup objects and image objects that no row knows. */
async function expectNoOrphans(client: Client, service: Client, dataFolder: string, found: Inventory): Promise<void> {
  const known = [...found.volumes, ...found.snapshots].map((row) => row.id)
  const files = readdirSync(join(dataFolder, 'volumes')).filter((name) => /^(volume|snapshot)-/.test(name))
  expect(files.filter((name) => !known.some((id) => name.includes(id)))).toEqual([])
  const containers = await client.must('object', 'GET', '?format=json')
  const backups = found.backups.map((row) => row.id)
  for (const { name } of containers.body as { name: string }[]) {
    const listing = await client.must('object', 'GET', `/${name}?format=json`)
    const orphans = (listing.body as { name: string }[]).filter(
      (object) => !backups.some((id) => object.name.includes(id)),
    )
    expect(orphans.map((object) => object.name)).toEqual([])
  }
  const images = await service.call('object', 'GET', '/glance?format=json')
  const imageIds = found.images.filter((row) => row.status === 'active').map((row) => row.id)
  const segments = images.status === 200 ? (images.body as { name: string }[]) : []
  expect(segments.map((object) => object.name).filter((name) => !imageIds.some((id) => name.includes(id)))).toEqual([])
}

const startAgain = async (dataFolder?: string): Promise<Started> =>
  start({ config: { log: { level: 'warn' } }, ...(dataFolder ? { dataFolder } : {}) })

test(`after ${kills} kills in the middle of everything nothing is stuck, lost, miscounted or left behind`, async () => {
  suite = await startAgain()
  const { dataFolder } = suite
  const glance = await glanceAccount(suite)
  let client = await login(suite.urls, suite.demo)
  const quota = { volumes: -1, gigabytes: -1, snapshots: -1, backups: -1, backup_gigabytes: -1 }
  const admin = await login(suite.urls, suite.admin)
  await admin.must('volume', 'PUT', `/os-quota-sets/${client.projectId}`, { json: { quota_set: quota } })
  const fixtures = await makeFixtures(client)
  const keep = new Set([fixtures.extend.id, fixtures.source.id, fixtures.snapshotSource.id, fixtures.backup.id])
  for (const [round, instant] of instants.entries()) {
    const promises: Promises = {
      created: [],
      extended: null,
      snapshots: [],
      backups: [],
      restored: [],
      images: [],
      deleted: [],
    }
    beginAll(client, fixtures, round, promises)
    await new Promise((done) => setTimeout(done, instant))
    await suite.kill9()
    suite = await startAgain(dataFolder)
    client = await login(suite.urls, suite.demo)
    const found = await until(() => inventory(client), settled, 60)
    await expectPromisesKept(promises, found, fixtures.doomed)
    await expectQuotaEqualsRecount(client, found)
    await expectNoOrphans(client, await login(suite.urls, glance), dataFolder, found)
    fixtures.extend = found.volumes.find((row) => row.id === fixtures.extend.id)!
    fixtures.doomed = Object.entries(found).flatMap(([kind, rows]: [string, Row[]]) =>
      rows.filter((row) => !keep.has(row.id)).map((row) => `/${kind}/${row.id}`),
    )
  }
})

/** The service user whose account holds the images' bytes. */
async function glanceAccount({ dataFolder }: Started): Promise<Started['admin']> {
  const { readFileSync } = await import('node:fs')
  const secrets = JSON.parse(readFileSync(join(dataFolder, 'secrets.json'), 'utf8')) as { glance: string }
  return { username: 'glance', password: secrets.glance, project: 'service' }
}
