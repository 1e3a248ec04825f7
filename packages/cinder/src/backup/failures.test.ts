import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '@hearth/driver'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BackupStage, firstDifference, startBackupStage } from '../start-backups-for-tests.ts'

let stage: BackupStage
beforeAll(async () => {
  stage = await startBackupStage()
})
afterAll(() => stage.close())

const asAdmin = { token: 'admin' }

/** Runs `before` ahead of each put, until the returned function is called. */
function interceptPuts(before: (name: string) => Promise<void>): () => void {
  const whole = stage.store
  stage.store = {
    ...whole,
    async put(container, name, data, signal) {
      await before(name)
      await whole.put(container, name, data, signal)
    },
  }
  return () => {
    stage.store = whole
  }
}

async function ask(volume: string): Promise<string> {
  return (await stage.ask('POST', '/backups', { backup: { volume_id: volume } })).body.backup.id
}

async function expectNothingLeft(volume: string): Promise<void> {
  expect(await stage.store.list('volumebackups', `volume_${volume}`)).toEqual([])
  for (const [resource, used, counted] of await stage.quotaPairs())
    expect([resource, used]).toEqual([resource, counted])
}

test('without room in the store the backup ends in error, the volume is available, and nothing stays behind', async () => {
  const volume = await stage.makeVolume()
  await stage.write(volume, randomBytes(20_000_000), 0)
  const end = interceptPuts(async (name) => {
    if (name.endsWith('-00004')) throw new DriverError('no-space', 'the store is full')
  })
  const backup = await ask(volume)
  expect(await stage.wait(`/backups/${backup}`, 'error')).toMatchObject({ fail_reason: 'the store is full' })
  end()
  await stage.wait(`/volumes/${volume}`, 'available')
  await expectNothingLeft(volume)
  const { body } = await stage.ask('GET', '/messages', undefined, { version: '3.5' })
  expect(body.messages[0]).toMatchObject({
    resource_uuid: backup,
    user_message: 'create backup:Backup driver failed to create backup.',
  })
  await stage.ask('DELETE', `/backups/${backup}`)
  await stage.wait(`/backups/${backup}`, 'gone')
  await expectNothingLeft(volume)
})

test('a role that stops in the middle of a backup goes on after its next start', async () => {
  const volume = await stage.makeVolume()
  await stage.write(volume, randomBytes(30_000_000), 0)
  const { promise: third, resolve } = Promise.withResolvers<void>()
  let seen = 0
  const end = interceptPuts(async () => {
    seen += 1
    if (seen === 4) resolve()
    await sleep(50)
  })
  const backup = await ask(volume)
  await third
  await stage.stopRole()
  const { body } = await stage.ask('GET', `/backups/${backup}`)
  expect(body.backup.status).toBe('creating')
  end()
  await stage.startRole()
  await stage.wait(`/backups/${backup}`, 'available')
  await stage.wait(`/volumes/${volume}`, 'available')
  const restored = await stage.ask('POST', `/backups/${backup}/restore`, { restore: null })
  const copy = restored.body.restore.volume_id
  await stage.wait(`/volumes/${copy}`, 'available')
  expect(await firstDifference(await stage.pathOf(copy), await stage.pathOf(volume))).toBeNull()
})

test('a backup that is being made can be deleted by force, which releases the volume', async () => {
  const volume = await stage.makeVolume()
  await stage.write(volume, randomBytes(30_000_000), 0)
  const end = interceptPuts(() => sleep(30))
  const backup = await ask(volume)
  await sleep(60)
  const force = { 'os-force_delete': null }
  expect(await stage.ask('POST', `/backups/${backup}/action`, force)).toMatchObject({ status: 403 })
  expect(await stage.ask('POST', `/backups/${backup}/action`, force, asAdmin)).toMatchObject({ status: 202 })
  await stage.wait(`/volumes/${volume}`, 'available')
  await stage.wait(`/backups/${backup}`, 'gone')
  end()
  await expectNothingLeft(volume)
})

test('a broken object fails the restore before the volume is called available', async () => {
  const volume = await stage.makeVolume()
  await stage.write(volume, randomBytes(100), 0)
  const backup = await stage.backUp({ volume_id: volume })
  const { service_metadata: prefix } = await stage.database.query('backups').where({ id: backup }).first()
  await stage.store.put('volumebackups', `${prefix}-00001`, Buffer.from('rubbish'))
  const answer = await stage.ask('POST', `/backups/${backup}/restore`, { restore: {} })
  await stage.wait(`/volumes/${answer.body.restore.volume_id}`, 'error_restoring')
  await stage.wait(`/backups/${backup}`, 'available')
})
