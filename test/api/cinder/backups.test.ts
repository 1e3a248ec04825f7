import { expect, test } from 'vitest'
import { freshClient, waitForStatus, waitUntilGone } from '../../client.ts'
import { suite } from '../../suite.ts'

const { urls, admin } = suite()
const client = await freshClient(urls, admin)

test('a backup goes to a container of its owner in the published chunk format, and is restored to a new volume', async () => {
  const made = await client.must('volume', 'POST', '/volumes', { json: { volume: { size: 1, name: 'precious' } } })
  const volumeId = made.body.volume.id
  await waitForStatus(client, `/volumes/${volumeId}`, 'available')
  const container = `backups-${Date.now()}`
  const asked = await client.call('volume', 'POST', '/backups', {
    json: { backup: { volume_id: volumeId, container, name: 'first' } },
  })
  expect(asked.status).toBe(202)
  const backupId = asked.body.backup.id
  const backup = await waitForStatus(client, `/backups/${backupId}`, 'available', 120)
  expect(backup).toMatchObject({ size: 1, container, is_incremental: false, volume_id: volumeId, fail_reason: null })
  expect((await client.must('volume', 'GET', `/volumes/${volumeId}`)).body.volume.status).toBe('available')

  const names = (await client.must('object', 'GET', `/${container}?format=json`)).body.map(
    (o: { name: string }) => o.name,
  )
  const metadataName = names.find((name: string) => name.endsWith('_metadata'))
  const metadata = JSON.parse((await client.must('object', 'GET', `/${container}/${metadataName}`)).body)
  expect(metadata).toMatchObject({ version: '1.0.0', backup_id: backupId, volume_id: volumeId })
  expect(names.some((name: string) => name.endsWith('-00001'))).toBe(true)
  expect(names.some((name: string) => name.endsWith('_sha256file'))).toBe(true)
  expect(backup.object_count).toBe(metadata.objects.length)

  const restored = await client.call('volume', 'POST', `/backups/${backupId}/restore`, {
    json: { restore: { name: 'again' } },
  })
  expect(restored.status).toBe(202)
  const again = await waitForStatus(client, `/volumes/${restored.body.restore.volume_id}`, 'available', 120)
  expect(again.size).toBe(1)
  await waitForStatus(client, `/backups/${backupId}`, 'available')

  expect((await client.call('volume', 'DELETE', `/backups/${backupId}`)).status).toBe(202)
  await waitUntilGone(client, 'volume', `/backups/${backupId}`)
  expect((await client.must('object', 'GET', `/${container}`)).body).toBe('')
  for (const id of [volumeId, again.id]) await client.must('volume', 'DELETE', `/volumes/${id}`)
})

test('a backup of nothing is refused', async () => {
  const json = { backup: { volume_id: '00000000-0000-4000-8000-000000000000' } }
  expect((await client.call('volume', 'POST', '/backups', { json })).status).toBe(404)
  expect((await client.call('volume', 'POST', '/backups', { json: { backup: {} } })).status).toBe(400)
})
