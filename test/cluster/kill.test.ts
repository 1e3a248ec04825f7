import { afterAll, expect, test } from 'vitest'
import { type Client, login, until, waitForStatus } from '../client.ts'
import { removeDataFolder, type Started, start } from '../start.ts'
import {
  expectNoOrphans,
  expectQuotaEqualsRecount,
  glanceAccount,
  type Inventory,
  inventory,
  type Row,
  settled,
} from './inventory.ts'

const kills = Number(process.env.HEARTH_TEST_KILLS ?? 40)
/** Instants spread over the life of the operations, milliseconds after the first request; short ones more often. */
const instants = Array.from({ length: kills }, (_unused, index) => Math.round(1500 * ((index + 1) / kills) ** 2.5))

let suite: Started | undefined
afterAll(async () => {
  if (!suite) return
  await suite.close()
  await removeDataFolder(suite.dataFolder)
})

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

const startAgain = async (dataFolder?: string): Promise<Started> =>
  start({ config: { log: { level: 'warn' } }, ...(dataFolder ? { dataFolder } : {}) })

test(`after ${kills} kills in the middle of everything nothing is stuck, lost, miscounted or left behind`, async () => {
  suite = await startAgain()
  const { dataFolder } = suite
  const glance = glanceAccount(suite)
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
