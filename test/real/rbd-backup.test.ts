import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Address, type BackupStore, openDriver, openRunner, quietLog } from '@hearth/driver'
import { backupContract } from '@hearth/driver/contract'
import { afterAll, expect, test } from 'vitest'
import { startCeph } from '../lab/ceph.ts'

const mib = 1024 ** 2

const ceph = await startCeph({ pools: ['backups', 'small', 'volumes'] })
await ceph.command(['ceph', 'osd', 'pool', 'set-quota', 'small', 'max_bytes', String(8 * mib)])
afterAll(() => ceph.close())

const openStore = (pool: string, log = quietLog): Promise<BackupStore> =>
  openDriver(
    'backup',
    '@hearth/driver-rbd',
    { conf: ceph.conf, user: 'cinder', pool },
    { run: openRunner({ log }), log },
  )

backupContract({
  name: 'rbd',
  open: (log) => openStore('backups', log),
  openSmall: () => openStore('small'),
  async openBroken(log) {
    const lost = await startCeph({ pools: ['backups'] })
    const options = { conf: lost.conf, user: 'cinder', operationTimeoutSeconds: 2 }
    const broken = await openDriver('backup', '@hearth/driver-rbd', options, { run: openRunner({ log }), log })
    await lost.close()
    return broken
  },
})

const store = await openStore('backups')
afterAll(() => store.close!())
const whole = store.whole!

const rbd = (...argv: string[]) => ceph.command(['rbd', ...argv])
const listed = async (...argv: string[]) => JSON.parse(await rbd(...argv, '--format', 'json')) as { name: string }[]
const snapshotsOf = async (path: string) => (await listed('snap', 'ls', path)).map(({ name }) => name)
const bases = async () => JSON.parse(await rbd('ls', 'backups', '--format', 'json')) as string[]

interface Source {
  id: string
  path: string
  address: Address
  /** The bytes it should have. */
  bytes: Buffer
  write(offset: number, bytes: Buffer): Promise<void>
}

const scratch = await mkdtemp(join(tmpdir(), 'hearth-rbd-backup-'))
afterAll(() => rm(scratch, { recursive: true }))

async function newVolume(sizeMiB: number): Promise<Source> {
  const id = randomUUID()
  const path = `volumes/volume-${id}`
  await rbd('create', '--size', `${sizeMiB}M`, path)
  const bytes = Buffer.alloc(sizeMiB * mib)
  const address: Address = { filename: `rbd:${path}:id=cinder:conf=${ceph.conf}`, format: 'raw' }
  const write = async (offset: number, part: Buffer) => {
    part.copy(bytes, offset)
    const file = join(scratch, 'part')
    await writeFile(file, part)
    const target = ['--image-opts', `driver=rbd,pool=volumes,image=volume-${id},user=admin,conf=${ceph.conf}`]
    const command = `write -s ${file} ${offset} ${part.length}`
    await openRunner({ log: quietLog })(['qemu-io', ...target, '-c', command, '-c', 'flush'])
  }
  return { id, path, address, bytes, write }
}

async function bytesOf(backup: { id: string; volumeId: string }, metadata: string): Promise<Buffer> {
  const blocks = await whole.open(backup, metadata)
  try {
    const bytes = Buffer.alloc(blocks.sizeBytes)
    for await (const { offset, length } of blocks.extents()) {
      await blocks.read(offset, bytes.subarray(offset, offset + length))
    }
    return bytes
  } finally {
    await blocks.close()
  }
}

test('a full backup and two by differences read as the volume did each time, and are named as upstream names them', async () => {
  const volume = await newVolume(64)
  await volume.write(3 * mib, randomBytes(9 * mib))
  const ids = [randomUUID(), randomUUID(), randomUUID()]
  const moments: Buffer[] = []
  const saved: string[] = []
  for (const [index, id] of ids.entries()) {
    if (index === 1) await volume.write(5 * mib, Buffer.alloc(2 * mib))
    if (index === 2) await volume.write(40 * mib + 512, randomBytes(mib))
    const parentId = ids[index - 1] ?? null
    const result = await whole.save({ id, volumeId: volume.id }, volume.address, { parentId })
    expect(await whole.save({ id, volumeId: volume.id }, volume.address, { parentId })).toEqual(result)
    expect(result!.incremental).toBe(index > 0)
    saved.push(result!.metadata)
    moments.push(Buffer.from(volume.bytes))
  }
  const base = `volume-${volume.id}.backup.${ids[0]}`
  expect(saved.map((text) => JSON.parse(text))).toEqual(ids.map(() => ({ base })))
  const names = await snapshotsOf(`backups/${base}`)
  expect(names).toEqual(ids.map((id) => expect.stringMatching(new RegExp(`^backup\\.${id}\\.snap\\.\\d+$`))))
  expect(await snapshotsOf(volume.path)).toEqual(names)
  for (const [index, id] of ids.entries()) {
    expect((await bytesOf({ id, volumeId: volume.id }, saved[index]!)).equals(moments[index]!)).toBe(true)
  }
  const deleted = { id: ids[1]!, volumeId: volume.id }
  await whole.delete(deleted, volume.address)
  await whole.delete(deleted, volume.address)
  await expect(whole.open(deleted, saved[1]!)).rejects.toMatchObject({ kind: 'not-found' })
  for (const index of [0, 2]) {
    const backup = { id: ids[index]!, volumeId: volume.id }
    expect((await bytesOf(backup, saved[index]!)).equals(moments[index]!)).toBe(true)
  }
  await rbd('snap', 'purge', volume.path)
  await rbd('rm', volume.path)
  for (const id of ids) await whole.delete({ id, volumeId: volume.id }, null)
  expect(await bases()).toEqual([])
  expect(await listed('trash', 'ls', 'backups')).toEqual([])
})

test('only what changed goes into a further backup', async () => {
  const volume = await newVolume(256)
  await volume.write(0, randomBytes(64 * mib))
  const [first, second] = [randomUUID(), randomUUID()]
  await whole.save({ id: first, volumeId: volume.id }, volume.address, { parentId: null })
  await volume.write(8 * mib, randomBytes(mib))
  await whole.save({ id: second, volumeId: volume.id }, volume.address, { parentId: first })
  const [base] = await bases()
  const from = (await snapshotsOf(`backups/${base}`))[0]!
  const changed = await rbd('diff', '--from-snap', from, `backups/${base}`, '--format', 'json')
  const bytes = (JSON.parse(changed) as { length: string | number }[]).reduce((sum, one) => sum + Number(one.length), 0)
  expect(bytes).toBe(mib)
  for (const id of [second, first]) await whole.delete({ id, volumeId: volume.id }, volume.address)
  expect([await bases(), await snapshotsOf(volume.path)]).toEqual([[], []])
})

test('a backup whose parent is lost on either side becomes a full one', async () => {
  const volume = await newVolume(16)
  await volume.write(0, randomBytes(mib))
  const [first, second] = [randomUUID(), randomUUID()]
  await whole.save({ id: first, volumeId: volume.id }, volume.address, { parentId: null })
  await rbd('snap', 'purge', volume.path)
  const backup = { id: second, volumeId: volume.id }
  const result = await whole.save(backup, volume.address, { parentId: first })
  expect(result).toEqual({
    metadata: JSON.stringify({ base: `volume-${volume.id}.backup.${second}` }),
    incremental: false,
  })
  expect((await bytesOf(backup, result!.metadata)).equals(volume.bytes)).toBe(true)
  for (const id of [first, second]) await whole.delete({ id, volumeId: volume.id }, volume.address)
  expect(await bases()).toEqual([])
})

test('what a failed or deleted backup left in the image is not in the next one', async () => {
  const volume = await newVolume(16)
  await volume.write(0, randomBytes(mib))
  const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()]
  const full = await whole.save({ id: first, volumeId: volume.id }, volume.address, { parentId: null })
  const { base } = JSON.parse(full!.metadata) as { base: string }
  await openRunner({ log: quietLog })([
    'qemu-io',
    '--image-opts',
    `driver=rbd,pool=backups,image=${base},user=admin,conf=${ceph.conf}`,
    '-c',
    'write -P 7 9M 1M',
  ])
  await volume.write(2 * mib, randomBytes(mib))
  const next = { id: second, volumeId: volume.id }
  const result = await whole.save(next, volume.address, { parentId: first })
  expect((await bytesOf(next, result!.metadata)).equals(volume.bytes)).toBe(true)
  await whole.delete(next, volume.address)
  const last = { id: third, volumeId: volume.id }
  await volume.write(4 * mib, randomBytes(mib))
  const again = await whole.save(last, volume.address, { parentId: first })
  expect(again!.incremental).toBe(true)
  expect((await bytesOf(last, again!.metadata)).equals(volume.bytes)).toBe(true)
  for (const id of [first, third]) await whole.delete({ id, volumeId: volume.id }, volume.address)
  expect(await bases()).toEqual([])
})

test('a snapshot is saved in full and keeps no mark', async () => {
  const volume = await newVolume(16)
  await volume.write(0, randomBytes(mib))
  const before = Buffer.from(volume.bytes)
  await rbd('snap', 'create', `${volume.path}@snapshot-1`)
  await volume.write(0, randomBytes(mib))
  const backup = { id: randomUUID(), volumeId: volume.id }
  const address = { ...volume.address, filename: volume.address.filename.replace(volume.id, `${volume.id}@snapshot-1`) }
  const result = await whole.save(backup, address, { parentId: randomUUID() })
  expect((await bytesOf(backup, result!.metadata)).equals(before)).toBe(true)
  expect(await snapshotsOf(volume.path)).toEqual(['snapshot-1'])
  await whole.delete(backup, volume.address)
  expect(await bases()).toEqual([])
})

test('an aborted backup goes on when it is repeated', async () => {
  const volume = await newVolume(128)
  await volume.write(0, randomBytes(96 * mib))
  const backup = { id: randomUUID(), volumeId: volume.id }
  const aborter = new AbortController()
  const saving = whole.save(backup, volume.address, { parentId: null, signal: aborter.signal })
  await expect.poll(bases, { timeout: 60_000, interval: 1 }).toHaveLength(1)
  aborter.abort()
  const end = await saving.catch((error: unknown) => error)
  if (end instanceof Error) expect(end).toMatchObject({ kind: 'aborted' })
  const result = await whole.save(backup, volume.address, { parentId: null })
  expect((await bytesOf(backup, result!.metadata)).equals(volume.bytes)).toBe(true)
  await whole.delete(backup, volume.address)
  expect(await bases()).toEqual([])
})

test.each(['/var/lib/volume', 'nbd:127.0.0.1:10809', 'rbd:volumes/x:mon_host=1.2.3.4'])(
  'a volume at %s is left to the objects',
  async (filename) => {
    const backup = { id: randomUUID(), volumeId: randomUUID() }
    expect(await whole.save(backup, { filename, format: 'raw' }, { parentId: null })).toBeNull()
  },
)
