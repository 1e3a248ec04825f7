import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, login, until, waitForStatus } from '../client.ts'
import { type Started, start } from '../start.ts'
import { debianProgram } from './openstack.ts'
import { fileSha256, volumeSha256 } from './volume-bytes.ts'

const gib = 1024 ** 3
const scratch = mkdtempSync(join(tmpdir(), 'same-bytes-'))
const raw = join(scratch, 'disk.raw')

let suite: Started
let client: Client
/** Of the whole volume: the image's bytes, then zeros. */
let sha256: string
let imageId: string
const ids: Record<string, string> = {}

beforeAll(async () => {
  suite = await start()
  client = await login(suite.urls, suite.demo)
  // Bytes of every kind: random, zeros between them, text that compresses.
  const text = Buffer.alloc(3 * 1024 ** 2, 'the same line again and again\n')
  writeFileSync(raw, Buffer.concat([randomBytes(9_000_000), Buffer.alloc(5_000_000), text, randomBytes(777_728)]))
  await debianProgram(['truncate', '--size=%512', raw])
  const whole = join(scratch, 'whole.raw')
  await debianProgram(['cp', raw, whole])
  await debianProgram(['truncate', '--size=1G', whole])
  sha256 = await fileSha256(whole)
})

afterAll(async () => {
  await suite?.close()
  rmSync(scratch, { recursive: true, force: true })
})

const volume = async (name: string, source: Record<string, unknown>): Promise<void> => {
  const { body } = await client.must('volume', 'POST', '/volumes', { json: { volume: { name, size: 1, ...source } } })
  ids[name] = body.volume.id
  await waitForStatus(client, `/volumes/${ids[name]}`, 'available')
}
const contentOf = (name: string): Promise<string> => volumeSha256(client, ids[name]!, gib, scratch)

test('an image becomes a volume with the same bytes', async () => {
  const qcow2 = join(scratch, 'disk.qcow2')
  await debianProgram(['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', '-c', raw, qcow2])
  const json = { name: 'disk', disk_format: 'qcow2', container_format: 'bare' }
  imageId = (await client.must('image', 'POST', '/images', { json })).body.id
  await client.must('image', 'PUT', `/images/${imageId}/file`, {
    body: readFileSync(qcow2),
    headers: { 'content-type': 'application/octet-stream' },
  })
  await volume('from-image', { imageRef: imageId })
  expect(await contentOf('from-image')).toBe(sha256)
})

test('a snapshot of it becomes a volume with the same bytes', async () => {
  const json = { snapshot: { name: 'point', volume_id: ids['from-image'] } }
  ids.point = (await client.must('volume', 'POST', '/snapshots', { json })).body.snapshot.id
  await waitForStatus(client, `/snapshots/${ids.point}`, 'available')
  await volume('from-snapshot', { snapshot_id: ids.point })
  expect(await contentOf('from-snapshot')).toBe(sha256)
})

test('a clone of that volume has the same bytes', async () => {
  await volume('clone', { source_volid: ids['from-snapshot'] })
  expect(await contentOf('clone')).toBe(sha256)
})

test('a backup of the clone is restored to a new volume with the same bytes', async () => {
  const json = { backup: { name: 'saved', volume_id: ids.clone } }
  const backupId = (await client.must('volume', 'POST', '/backups', { json })).body.backup.id
  await waitForStatus(client, `/backups/${backupId}`, 'available', 120)
  const { body } = await client.must('volume', 'POST', `/backups/${backupId}/restore`, { json: { restore: {} } })
  ids.restored = body.restore.volume_id
  await waitForStatus(client, `/backups/${backupId}`, 'available', 120)
  await waitForStatus(client, `/volumes/${ids.restored}`, 'available', 120)
  expect(await contentOf('restored')).toBe(sha256)
})

test.each(['raw', 'qcow2'])(
  'the restored volume uploaded as a %s image and downloaded has the same bytes',
  async (format) => {
    const json = {
      'os-volume_upload_image': { image_name: `back-${format}`, disk_format: format, container_format: 'bare' },
    }
    const { body } = await client.must('volume', 'POST', `/volumes/${ids.restored}/action`, { json })
    const id = body['os-volume_upload_image'].image_id
    await until(
      async () => (await client.must('image', 'GET', `/images/${id}`)).body.status,
      (status) => status === 'active',
      120,
    )
    await waitForStatus(client, `/volumes/${ids.restored}`, 'available')
    const file = join(scratch, `back.${format}`)
    const response = await fetch(`${suite.urls.image}/v2/images/${id}/file`, {
      headers: { 'x-auth-token': client.token },
    })
    await writeFile(file, response.body!)
    const back = join(scratch, `back-${format}.raw`)
    await debianProgram(['qemu-img', 'convert', '-f', format, '-O', 'raw', file, back])
    expect(await fileSha256(back)).toBe(sha256)
  },
)
