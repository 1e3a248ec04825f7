import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { type ImageStore, quietLog as log, openDriver, openRunner } from '@hearth/driver'
import { imageContract } from '@hearth/driver/contract'
import { execa } from 'execa'
import { afterAll, expect, test } from 'vitest'
import { startCeph } from '../lab/ceph.ts'

const deps = { run: openRunner({ log }), log }
const mib = 1024 ** 2

const ceph = await startCeph({ pools: ['images', 'small', 'volumes'] })
await ceph.command(['ceph', 'osd', 'pool', 'set-quota', 'small', 'max_bytes', String(8 * mib)])
afterAll(() => ceph.close())

const openStore = (pool: string): Promise<ImageStore> =>
  openDriver('image', '@hearth/driver-rbd', { conf: ceph.conf, user: 'cinder', pool }, deps)
const rbd = async <T>(...argv: string[]): Promise<T> =>
  JSON.parse(await ceph.command(['rbd', ...argv, '--format', 'json'])) as T
const namesIn = async (pool: string) =>
  Promise.all([rbd<string[]>('ls', pool), rbd<object[]>('trash', 'ls', pool)]).then(([live, trash]) => ({
    live,
    trash,
  }))

imageContract({
  name: 'rbd',
  open: () => openStore('images'),
  openSmall: () => openStore('small'),
  abilities: { list: true },
})

const store = await openStore('images')
afterAll(() => store.close!())

/** What the `rbd` command reads there. */
async function exported(path: string): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-rbd-'))
  try {
    await ceph.command(['rbd', 'export', path, join(folder, 'bytes')])
    return await readFile(join(folder, 'bytes'))
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** A store looks after deleted images when it opens; it has done so when it is closed. */
const reopened = async () => (await openStore('images')).close!()

async function addImage(bytes: Buffer): Promise<{ id: string; location: string; path: string }> {
  const id = randomUUID()
  const { location } = await store.add(id, Readable.from([bytes]), bytes.length)
  return { id, location, path: `images/${id}` }
}

test('an image is as the rbd store of Glance would have made it', async () => {
  const bytes = Buffer.concat([randomBytes(mib), Buffer.alloc(24 * mib), randomBytes(5)])
  const { id, location, path } = await addImage(bytes)
  const fsid = (await ceph.command(['ceph', 'fsid'])).trim()
  expect(location).toBe(`rbd://${fsid}/images/${id}/snap`)
  expect(await rbd('info', path)).toMatchObject({ size: bytes.length, order: 23 })
  expect(await rbd('snap', 'ls', path)).toMatchObject([{ name: 'snap', size: bytes.length, protected: 'true' }])
  const { images } = await rbd<{ images: { used_size: number }[] }>('du', path)
  expect(images[0]!.used_size).toBeLessThan(20 * mib)
  expect((await exported(path)).equals(bytes)).toBe(true)
  await store.delete(location)
})

test.each([[1], [2]])(
  'an image with clones of format %d is deleted at once; its bytes go with its last clone',
  async (format) => {
    const bytes = randomBytes(3 * mib)
    const { location, path } = await addImage(bytes)
    const clone = `volumes/clone-${format}`
    await ceph.command(['rbd', 'clone', '--rbd-default-clone-format', String(format), `${path}@snap`, clone])
    await store.delete(location)
    await store.delete(location)
    await expect(store.get(location)).rejects.toMatchObject({ kind: 'not-found' })
    expect(await store.list!()).toEqual([])
    expect(await namesIn('images')).toMatchObject({ live: [], trash: [{}] })
    expect((await exported(clone)).equals(bytes)).toBe(true)
    await reopened()
    expect((await namesIn('images')).trash).toHaveLength(1)
    await ceph.command(['rbd', 'rm', clone])
    await reopened()
    expect(await namesIn('images')).toEqual({ live: [], trash: [] })
  },
)

test('what others put into the trash of the pool stays there', async () => {
  await ceph.command(['rbd', 'create', '--size', '1M', `images/${randomUUID()}`])
  const [name] = (await namesIn('images')).live
  await ceph.command(['rbd', 'trash', 'mv', `images/${name}`])
  await reopened()
  const { trash } = await namesIn('images')
  expect(trash).toMatchObject([{ name }])
  await ceph.command(['rbd', 'trash', 'purge', 'images'])
})

test('a download breaks off when its image is deleted meanwhile', async () => {
  const { location } = await addImage(randomBytes(40 * mib))
  const reader = (await store.get(location))[Symbol.asyncIterator]()
  await reader.next()
  await store.delete(location)
  const rest = async () => {
    while (!(await reader.next()).done);
  }
  await expect(rest()).rejects.toMatchObject({ kind: 'not-found' })
})

test('what a killed upload left is purged although its client still seems to hold it', async () => {
  const id = randomUUID()
  const upload = execa(process.execPath, [join(import.meta.dirname, 'rbd-upload.ts'), ceph.conf, id], { reject: false })
  const begun = async () => (await namesIn('images')).live.length
  await expect.poll(begun, { timeout: 60_000 }).toBe(1)
  upload.kill('SIGKILL')
  await upload
  expect(await store.list!()).toEqual([])
  await store.purge(id)
  const bytes = randomBytes(mib)
  const { location } = await store.add(id, Readable.from([bytes]), null)
  expect((await buffer(await store.get(location))).equals(bytes)).toBe(true)
  expect(await store.list!()).toEqual([id])
})

test.each(['file:///etc/passwd', 'rbd://images/x/snap', 'rbd://other/images/x/snap', 'rbd://%2e/../x/snap'])(
  'the location %s leads nowhere',
  async (location) => {
    await expect(store.get(location)).rejects.toMatchObject({ kind: 'invalid' })
    await expect(store.delete(location)).rejects.toMatchObject({ kind: 'invalid' })
  },
)
