import { randomBytes } from 'node:crypto'
import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openRunner, quietLog } from '@hearth/driver'
import { afterAll, expect, test } from 'vitest'
import { freshClient, makeRawImage, until, waitForStatus, waitUntilGone } from '../client.ts'
import { startCeph } from '../lab/ceph.ts'
import { start } from '../start.ts'

const run = openRunner({ log: quietLog })
const mib = 1024 ** 2
const gib = 1024 ** 3

const ceph = await startCeph()
afterAll(() => ceph.close())
const driver = '@hearth/driver-rbd'
const user = { conf: ceph.conf, user: 'cinder' }
const suite = await start({
  config: {
    volume: {
      backends: { ceph: { driver, options: { ...user, pool: 'volumes' } } },
      backup: { driver, options: { ...user, pool: 'backups' } },
    },
    image: { stores: { ceph: { driver, options: { ...user, pool: 'images' } } } },
  },
})
afterAll(() => suite.close())
const client = await freshClient(suite.urls, suite.admin)
const scratch = await mkdtemp(join(tmpdir(), 'hearth-rbd-suite-'))
afterAll(() => rm(scratch, { recursive: true }))

const rbd = async <T>(...argv: string[]) => JSON.parse(await ceph.command(['rbd', ...argv, '--format', 'json'])) as T
const parentOf = async (volumeId: string) =>
  (await rbd<{ parent?: object }>('info', `volumes/volume-${volumeId}`)).parent

async function makeVolume(source: object): Promise<string> {
  const { body } = await client.must('volume', 'POST', '/volumes', { json: { volume: { size: 1, ...source } } })
  await waitForStatus(client, `/volumes/${body.volume.id}`, 'available')
  return body.volume.id
}

/** The first bytes that the `rbd` command exports of a volume, and its size. */
async function exported(volumeId: string, length: number): Promise<{ head: Buffer; size: number }> {
  const path = join(scratch, 'export')
  await ceph.command(['rbd', 'export', `volumes/volume-${volumeId}`, path])
  const file = await open(path)
  try {
    const { buffer: head } = await file.read(Buffer.alloc(length), 0, length, 0)
    return { head, size: (await stat(path)).size }
  } finally {
    await file.close()
    await rm(path)
  }
}

async function write(volumeId: string, offset: number, bytes: Buffer): Promise<void> {
  const path = join(scratch, 'part')
  await writeFile(path, bytes)
  const image = `driver=rbd,pool=volumes,image=volume-${volumeId},user=cinder,conf=${ceph.conf}`
  const command = `write -s ${path} ${offset} ${bytes.length}`
  await run(['qemu-io', '--image-opts', image, '-c', command, '-c', 'flush'])
}

async function backUp(volumeId: string, more: object = {}): Promise<string> {
  const json = { backup: { volume_id: volumeId, name: 'saved', ...more } }
  const { id } = (await client.must('volume', 'POST', '/backups', { json })).body.backup
  await waitForStatus(client, `/backups/${id}`, 'available', 120)
  return id
}

async function restored(backupId: string): Promise<string> {
  const { body } = await client.must('volume', 'POST', `/backups/${backupId}/restore`, { json: { restore: {} } })
  await waitForStatus(client, `/volumes/${body.restore.volume_id}`, 'available', 120)
  return body.restore.volume_id
}

async function remove(service: 'volume' | 'image', path: string): Promise<void> {
  await client.must(service, 'DELETE', path)
  await waitUntilGone(client, service, path)
}

test('volumes of a raw image are children of its snapshot, no byte is copied, and the image can be deleted under them', async () => {
  const bytes = randomBytes(12 * mib)
  const imageRef = await makeRawImage(client, bytes)
  const ids = await Promise.all([makeVolume({ imageRef }), makeVolume({ imageRef }), makeVolume({ imageRef })])
  const images = await rbd<string[]>('ls', 'volumes')
  expect(images.sort()).toEqual(ids.map((id) => `volume-${id}`).sort())
  for (const id of ids) {
    expect(await parentOf(id)).toMatchObject({ pool: 'images', image: imageRef, snapshot: 'snap' })
    const { images: used } = await rbd<{ images: { used_size: number }[] }>('du', `volumes/volume-${id}`)
    expect(used[0]!.used_size).toBe(0)
  }
  const { head, size } = await exported(ids[0]!, bytes.length)
  expect([head.equals(bytes), size]).toEqual([true, gib])
  await remove('image', `/images/${imageRef}`)
  expect(await rbd<string[]>('ls', 'images')).toEqual([])
  expect((await exported(ids[1]!, bytes.length)).head.equals(bytes)).toBe(true)
  for (const id of ids) await remove('volume', `/volumes/${id}`)
})

test('a user does not see where an image lies', async () => {
  const id = await makeRawImage(client, randomBytes(mib))
  const shown = (await client.must('image', 'GET', `/images/${id}`)).body
  expect([shown.direct_url, shown.locations]).toEqual([undefined, undefined])
  expect((await client.call('image', 'GET', `/images/${id}/locations`)).status).toBe(403)
  await remove('image', `/images/${id}`)
})

test('a volume becomes an image, and that image a volume with the same bytes', async () => {
  const id = await makeVolume({})
  const bytes = randomBytes(8 * mib)
  await write(id, 0, bytes)
  const json = { 'os-volume_upload_image': { image_name: 'copy', disk_format: 'raw', container_format: 'bare' } }
  const answer = await client.must('volume', 'POST', `/volumes/${id}/action`, { json })
  const imageRef = answer.body['os-volume_upload_image'].image_id
  const isActive = (image: { body: { status: string } }): boolean => image.body.status === 'active'
  await until(() => client.must('image', 'GET', `/images/${imageRef}`), isActive, 240)
  await waitForStatus(client, `/volumes/${id}`, 'available')
  const again = await makeVolume({ imageRef })
  expect(await parentOf(again)).toMatchObject({ image: imageRef })
  const { head } = await exported(again, bytes.length)
  expect(head.equals(bytes)).toBe(true)
  for (const one of [id, again]) await remove('volume', `/volumes/${one}`)
  await remove('image', `/images/${imageRef}`)
})

test('backups of a volume are one image with a snapshot each, and every one of them is restored', async () => {
  const id = await makeVolume({ name: 'precious' })
  const first = randomBytes(8 * mib)
  await write(id, 0, first)
  const full = await backUp(id)
  const second = Buffer.concat([first.subarray(0, mib), randomBytes(mib), first.subarray(2 * mib)])
  await write(id, mib, second.subarray(mib, 2 * mib))
  const incremental = await backUp(id, { incremental: true })
  expect((await client.must('volume', 'GET', `/backups/${incremental}`)).body.backup).toMatchObject({
    is_incremental: true,
    fail_reason: null,
  })
  expect(await rbd<string[]>('ls', 'backups')).toEqual([`volume-${id}.backup.${full}`])
  const snapshots = await rbd<{ name: string }[]>('snap', 'ls', `backups/volume-${id}.backup.${full}`)
  expect(snapshots.map(({ name }) => name.split('.')[1])).toEqual([full, incremental])
  await remove('volume', `/volumes/${id}`)
  const volumes = [await restored(full), await restored(incremental)]
  for (const [index, bytes] of [first, second].entries()) {
    const { head, size } = await exported(volumes[index]!, bytes.length)
    expect([head.equals(bytes), size]).toEqual([true, gib])
  }
  const shown = (await client.must('volume', 'GET', `/volumes/${volumes[1]}`)).body.volume
  expect(shown).toMatchObject({ name: 'precious', metadata: { src_backup_id: incremental } })
  for (const one of [incremental, full]) await remove('volume', `/backups/${one}`)
  for (const one of volumes) await remove('volume', `/volumes/${one}`)
  expect(await rbd<string[]>('ls', 'backups')).toEqual([])
})

test('a snapshot is backed up by itself, and a backup after it does not build on it', async () => {
  const id = await makeVolume({})
  const bytes = randomBytes(mib)
  await write(id, 0, bytes)
  const json = { snapshot: { volume_id: id, name: 'moment' } }
  const { snapshot } = (await client.must('volume', 'POST', '/snapshots', { json })).body
  await waitForStatus(client, `/snapshots/${snapshot.id}`, 'available')
  await write(id, 0, randomBytes(mib))
  const backup = await backUp(id, { snapshot_id: snapshot.id })
  const later = await backUp(id, { incremental: true })
  expect((await client.must('volume', 'GET', `/backups/${later}`)).body.backup.is_incremental).toBe(false)
  const volume = await restored(backup)
  expect((await exported(volume, mib)).head.equals(bytes)).toBe(true)
  for (const one of [later, backup]) await remove('volume', `/backups/${one}`)
  await remove('volume', `/snapshots/${snapshot.id}`)
  for (const one of [id, volume]) await remove('volume', `/volumes/${one}`)
  expect(await rbd<string[]>('ls', 'backups')).toEqual([])
})

test('a backup says to operators that a Ceph driver made it', async () => {
  const id = await makeVolume({})
  const backup = await backUp(id)
  const root = await freshClient(suite.urls, suite.admin, 'admin')
  const { body } = await root.must('volume', 'GET', `/backups/${backup}/export_record`)
  const record = body['backup-record']
  expect(record.backup_service).toBe('cinder.backup.drivers.ceph.CephBackupDriver')
  const { service_metadata } = JSON.parse(Buffer.from(record.backup_url, 'base64').toString())
  expect(JSON.parse(service_metadata)).toEqual({ base: `volume-${id}.backup.${backup}` })
  await remove('volume', `/backups/${backup}`)
  await remove('volume', `/volumes/${id}`)
})
