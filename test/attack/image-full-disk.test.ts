import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, login, until } from '../client.ts'
import { type Started, start } from '../start.ts'

// A suite of its own on a small ext4: what is attacked here is its disk.
const folder = mkdtempSync(join(tmpdir(), 'hearth-small-disk-'))
const mount = join(folder, 'disk')
const ballast = join(mount, 'foreign')
const octets = { 'content-type': 'application/octet-stream' }
const mib = 1024 ** 2
let suite: Started
let demo: Client

beforeAll(async () => {
  const image = join(folder, 'image')
  writeFileSync(image, '')
  truncateSync(image, 700 * mib)
  mkdirSync(mount)
  await execa('mkfs.ext4', ['-q', '-m', '0', image])
  await execa('mount', ['-o', 'loop', image, mount])
  suite = await start({
    dataFolder: join(mount, 'data'),
    config: {
      image: {
        defaultStore: 'file',
        stores: {
          file: { driver: '@hearth/driver-file', options: { folder: join(mount, 'data', 'images') } },
          swift: { driver: '@hearth/driver-swift' },
        },
      },
      volume: { sizeGiB: 1 },
    },
  })
  demo = await login(suite.urls, suite.demo)
})

afterAll(async () => {
  await suite?.close()
  await execa('umount', ['--lazy', join(mount, 'data', 'volumes')], { reject: false })
  await execa('umount', ['--lazy', mount], { reject: false })
  rmSync(folder, { recursive: true, force: true })
})

const free = () => {
  const { bavail, bsize } = statfsSync(mount)
  return bavail * bsize
}
const endless = () => {
  const chunk = randomBytes(4 * mib)
  return new ReadableStream({
    async pull(controller) {
      // Lets timers and sockets of this process have their turns.
      await new Promise((done) => setTimeout(done, 1))
      controller.enqueue(chunk)
    },
  })
}
const newImage = async () => {
  const json = { name: 'attack', disk_format: 'raw', container_format: 'bare' }
  return (await demo.must('image', 'POST', '/images', { json })).body.id as string
}
const show = async (id: string) => (await demo.must('image', 'GET', `/images/${id}`)).body
const files = (name: string) =>
  readdirSync(join(mount, 'data', ...name.split('/')), { withFileTypes: true }).filter((entry) => entry.isFile())
const allRespond = async () => {
  const urls = Object.values(suite.urls).map((url) => new URL('/healthcheck', url))
  return Promise.all(urls.map(async (url) => (await fetch(url, { headers: { connection: 'close' } })).status))
}

test.each([
  ['stage', 'work/staging'],
  ['file', 'images'],
])(
  'an endless PUT …/%s ends with 413 before the disk is full, leaves nothing, and all services go on',
  async (path, place) => {
    const id = await newImage()
    const before = free()
    let least = before
    const watch = setInterval(() => {
      least = Math.min(least, free())
    }, 20)
    const answer = await demo.call('image', 'PUT', `/images/${id}/${path}`, { body: endless(), headers: octets })
    clearInterval(watch)
    expect(answer.status).toBe(413)
    expect(least).toBeGreaterThan(4 * mib)
    expect(await show(id)).toMatchObject({ status: 'queued', size: null })
    await until(
      async () => files(place),
      (found) => found.length === 0,
      20,
    )
    await until(
      async () => free(),
      (now) => now > before - 40 * mib,
      20,
    )
    expect(await allRespond()).toEqual([200, 200, 200, 200])
    const small = randomBytes(mib)
    await demo.must('image', 'PUT', `/images/${id}/file`, { body: small, headers: octets })
    expect((await show(id)).checksum).toBe(createHash('md5').update(small).digest('hex'))
    await demo.must('image', 'DELETE', `/images/${id}`)
  },
)

test('an upload that its client breaks off leaves no bytes', async () => {
  const id = await newImage()
  const gone = new AbortController()
  const upload = fetch(`${suite.urls.image}/v2/images/${id}/stage`, {
    method: 'PUT',
    headers: { ...octets, 'x-auth-token': demo.token },
    body: endless(),
    signal: gone.signal,
    duplex: 'half',
  } as RequestInit)
  await until(
    async () => files('work/staging'),
    (found) => found.length === 1,
    20,
  )
  gone.abort()
  await upload.catch(() => undefined)
  await until(
    async () => files('work/staging'),
    (found) => found.length === 0,
    20,
  )
  await until(
    () => show(id),
    ({ status }) => status === 'queued',
    20,
  )
})

test('a web download without an end fails its task before the disk is full, and leaves nothing', async () => {
  const web = createServer((_request, response) => {
    const chunk = randomBytes(mib)
    const more = () => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on('drain', more)
    more()
  })
  await new Promise<void>((done) => web.listen(0, '127.0.0.1', done))
  const { port } = web.address() as AddressInfo
  const id = await newImage()
  const json = { method: { name: 'web-download', uri: `http://127.0.0.1:${port}/` } }
  const answer = await demo.call('image', 'POST', `/images/${id}/import`, { json })
  // Refused at once where addresses of the host are not allowed, which is the default.
  expect([202, 400]).toContain(answer.status)
  await until(
    () => show(id),
    ({ status }) => status === 'queued',
    60,
  )
  expect(files('work/staging')).toEqual([])
  web.close()
  web.closeAllConnections()
})

test('on a full disk services respond, tokens are revoked, images and volumes are deleted, and all recovers', async () => {
  const id = await newImage()
  await demo.must('image', 'PUT', `/images/${id}/file`, { body: randomBytes(4 * mib), headers: octets })
  const { volume } = (await demo.must('volume', 'POST', '/volumes', { json: { volume: { size: 1 } } })).body
  await until(
    async () => (await demo.must('volume', 'GET', `/volumes/${volume.id}`)).body.volume.status,
    (status) => status === 'available',
    60,
  )
  const other = await login(suite.urls, suite.demo)
  await execa('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=1M'], { reject: false })
  await execa('dd', ['if=/dev/zero', `of=${ballast}-rest`, 'bs=4k'], { reject: false })
  expect(free()).toBe(0)
  expect(await allRespond()).toEqual([200, 200, 200, 200])
  const refused = await demo.call('image', 'PUT', `/images/${await idOrNone()}/stage`, {
    body: randomBytes(mib),
    headers: octets,
  })
  expect([404, 413]).toContain(refused.status)
  expect(String(refused.body)).not.toMatch(/ENOSPC|SQLITE_|statusCode/)
  const revoked = await demo.call('identity', 'DELETE', '/auth/tokens', { headers: { 'x-subject-token': other.token } })
  expect(revoked.status).toBe(204)
  expect(
    (await other.call('identity', 'GET', '/auth/tokens', { headers: { 'x-subject-token': other.token } })).status,
  ).toBe(401)
  expect((await demo.call('image', 'DELETE', `/images/${id}`)).status).toBe(204)
  expect((await demo.call('volume', 'DELETE', `/volumes/${volume.id}`)).status).toBe(202)
  await until(
    async () => (await demo.call('volume', 'GET', `/volumes/${volume.id}`)).status,
    (status) => status === 404,
    60,
  )
  rmSync(ballast)
  rmSync(`${ballast}-rest`)
  const again = await newImage()
  await demo.must('image', 'PUT', `/images/${again}/file`, { body: randomBytes(mib), headers: octets })
  expect((await show(again)).status).toBe('active')
  expect((await login(suite.urls, suite.demo)).token).toBeTruthy()
})

/** A new image where one can be made now, else an id of none. */
async function idOrNone(): Promise<string> {
  return newImage().catch(() => 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa')
}
