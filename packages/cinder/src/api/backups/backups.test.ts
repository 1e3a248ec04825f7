import { randomBytes } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { uuid } from '@hearth/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BackupStage, firstDifference, startBackupStage } from '../../start-backups-for-tests.ts'
import { project } from '../../start-for-tests.ts'

let stage: BackupStage
beforeAll(async () => {
  stage = await startBackupStage()
})
afterAll(() => stage.close())

const asAdmin = { token: 'admin' }

async function expectSameBytes(one: string, other: string): Promise<void> {
  expect(await firstDifference(await stage.pathOf(one), await stage.pathOf(other))).toBeNull()
}

async function expectExactQuota(): Promise<void> {
  for (const [resource, used, counted] of await stage.quotaPairs())
    expect([resource, used]).toEqual([resource, counted])
}

test('a backup restored to a new volume has the same bytes, metadata and holes', async () => {
  const volume = await stage.makeVolume({ name: 'precious', metadata: { colour: 'red' } })
  await stage.write(volume, randomBytes(6_000_000), 3_000_000)
  await stage.write(volume, Buffer.alloc(100_000, 'text '), 900_000_000)
  const backup = await stage.backUp({ volume_id: volume, name: 'b', container: 'box' })
  expect(await stage.wait(`/volumes/${volume}`, 'available')).toMatchObject({ id: volume })
  const { body } = await stage.ask('GET', `/backups/${backup}`)
  expect(body.backup).toMatchObject({ size: 1, object_count: 256, container: 'box', volume_id: volume })
  const restored = await stage.ask('POST', `/backups/${backup}/restore`, { restore: {} })
  const { restore } = restored.body
  expect(restored.status).toBe(202)
  expect(restore).toMatchObject({ backup_id: backup, volume_name: `restore_backup_${backup}` })
  const copy = await stage.wait(`/volumes/${restore.volume_id}`, 'available')
  expect(copy).toMatchObject({ name: 'precious', metadata: { colour: 'red', src_backup_id: backup } })
  await expectSameBytes(restore.volume_id, volume)
  expect((await stat(await stage.pathOf(restore.volume_id))).blocks * 512).toBeLessThan(30_000_000)
  await stage.wait(`/backups/${backup}`, 'available')
  await expectExactQuota()
})

test('an incremental backup holds the changes only, and the chain restores over a volume with other bytes', async () => {
  const volume = await stage.makeVolume()
  await stage.write(volume, randomBytes(1_000_000), 0)
  const full = await stage.backUp({ volume_id: volume })
  await stage.write(volume, randomBytes(40_000), 500_000)
  await stage.write(volume, Buffer.alloc(100_000), 100_000)
  const next = await stage.backUp({ volume_id: volume, incremental: true })
  const { body } = await stage.ask('GET', `/backups/${next}`)
  expect(body.backup).toMatchObject({ is_incremental: true, object_count: 2 })
  expect(await stage.ask('DELETE', `/backups/${full}`)).toMatchObject({ status: 400 })
  const target = await stage.makeVolume()
  await stage.write(target, randomBytes(3_000_000), 50_000)
  const answer = await stage.ask('POST', `/backups/${next}/restore`, { restore: { volume_id: target } })
  expect(answer.status).toBe(202)
  await stage.wait(`/backups/${next}`, 'available')
  await stage.wait(`/volumes/${target}`, 'available')
  await expectSameBytes(target, volume)
  for (const id of [next, full]) {
    expect(await stage.ask('DELETE', `/backups/${id}`)).toMatchObject({ status: 202 })
    await stage.wait(`/backups/${id}`, 'gone')
  }
  expect(await stage.store.list('volumebackups', `volume_${volume}`)).toEqual([])
  await expectExactQuota()
})

test('a snapshot can be backed up while its volume goes on', async () => {
  const volume = await stage.makeVolume()
  await stage.write(volume, Buffer.from('then'), 0)
  const { body } = await stage.ask('POST', '/snapshots', { snapshot: { volume_id: volume } })
  await stage.wait(`/snapshots/${body.snapshot.id}`, 'available')
  await stage.write(volume, Buffer.from('now!'), 0)
  const backup = await stage.backUp({ volume_id: volume, snapshot_id: body.snapshot.id })
  await stage.wait(`/snapshots/${body.snapshot.id}`, 'available')
  const answer = await stage.ask('POST', `/backups/${backup}/restore`, { restore: { name: 'mine' } })
  const copy = answer.body.restore.volume_id
  expect(await stage.wait(`/volumes/${copy}`, 'available')).toMatchObject({ name: 'mine' })
  expect((await readFile(await stage.pathOf(copy))).subarray(0, 4).toString()).toBe('then')
})

test('an incremental backup of a snapshot older than every backup builds on the last one and restores its own bytes', async () => {
  const volume = await stage.makeVolume()
  await stage.write(volume, Buffer.from('then'), 0)
  const { body } = await stage.ask('POST', '/snapshots', { snapshot: { volume_id: volume } })
  await stage.wait(`/snapshots/${body.snapshot.id}`, 'available')
  const asked = { volume_id: volume, snapshot_id: body.snapshot.id, incremental: true }
  expect(await stage.ask('POST', '/backups', { backup: asked })).toMatchObject({ status: 400 })
  await stage.write(volume, Buffer.from('now!'), 0)
  const full = await stage.backUp({ volume_id: volume })
  const older = await stage.backUp(asked)
  expect((await stage.ask('GET', `/backups/${older}`)).body.backup).toMatchObject({ is_incremental: true })
  expect(await stage.ask('DELETE', `/backups/${full}`)).toMatchObject({ status: 400 })
  const answer = await stage.ask('POST', `/backups/${older}/restore`, { restore: {} })
  const copy = answer.body.restore.volume_id
  await stage.wait(`/volumes/${copy}`, 'available')
  expect((await readFile(await stage.pathOf(copy))).subarray(0, 4).toString()).toBe('then')
})

test('a volume in use needs force, is read through a temporary snapshot, and is in use again afterwards', async () => {
  const volume = await stage.makeVolume()
  const q = stage.database.query
  await q('volumes').where({ id: volume }).update({ status: 'in-use' })
  const attachment = { id: uuid(), volume_id: volume, project_id: project, status: 'attached', created_at: 1 }
  await q('attachments').insert(attachment)
  const { status, body } = await stage.ask('POST', '/backups', { backup: { volume_id: volume } })
  const message = 'Invalid volume: Backing up an in-use volume must use the force flag.'
  expect([status, body.badRequest.message]).toEqual([400, message])
  await stage.backUp({ volume_id: volume, force: true })
  await stage.wait(`/volumes/${volume}`, 'in-use')
  expect(await q('backups').whereNotNull('temp_snapshot_id')).toEqual([])
  const snapshots = (await q('backups').select('id')).map(({ id }) => `snapshot-${id}`)
  const { snapshots: left } = await stage.volume.list!()
  expect(left.filter((name) => snapshots.includes(name))).toEqual([])
})

test('an exported record is taken in under another id and restores the same bytes', async () => {
  const volume = await stage.makeVolume()
  await stage.write(volume, Buffer.from('record'), 0)
  const backup = await stage.backUp({ volume_id: volume })
  expect(await stage.ask('GET', `/backups/${backup}/export_record`)).toMatchObject({ status: 403 })
  const answer = await stage.ask('GET', `/backups/${backup}/export_record`, undefined, asAdmin)
  const exported = answer.body['backup-record']
  expect(exported.backup_service).toBe('cinder.backup.drivers.swift.SwiftBackupDriver')
  const record = JSON.parse(Buffer.from(exported.backup_url, 'base64').toString())
  const id = uuid()
  const backup_url = Buffer.from(JSON.stringify({ ...record, id })).toString('base64')
  const body = { 'backup-record': { backup_service: exported.backup_service, backup_url } }
  const taken = await stage.ask('POST', '/backups/import_record', body, asAdmin)
  expect([taken.status, taken.body.backup.id]).toEqual([201, id])
  expect(await stage.ask('POST', '/backups/import_record', body, asAdmin)).toMatchObject({ status: 400 })
  const restored = await stage.ask('POST', `/backups/${id}/restore`, { restore: {} })
  await stage.wait(`/volumes/${restored.body.restore.volume_id}`, 'available')
  await expectSameBytes(restored.body.restore.volume_id, volume)
  await expectExactQuota()
})
