import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defaultUriFilter, mayFetch } from '../../data/uri-filter.ts'
import { openWebSource } from '../../data/web-source.ts'
import { startForTests, type TestService } from '../../start-for-tests.ts'

const bytes = randomBytes(1_200_000)
let glance: TestService
let web: Server
let webPort = 0
beforeAll(async () => {
  web = createServer((request, response) => {
    if (request.url === '/image') response.end(bytes)
    else if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end()
    else if (request.url === '/away') response.writeHead(302, { location: 'http://169.254.169.254/secret' }).end()
    else if (request.url === '/moved') response.writeHead(302, { location: '/image' }).end()
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  webPort = (web.address() as AddressInfo).port
  glance = await startForTests({
    limits: { uriFilter: { ...defaultUriFilter, allowedPorts: [webPort], allowedHosts: ['127.0.0.1'] } },
  })
})
afterAll(async () => {
  await glance.close()
  web.close()
})

const show = (id: string) => glance.json('alpha', 'GET', `/v2/images/${id}`)
const stage = (id: string, body: Buffer) => glance.call('alpha', 'PUT', `/v2/images/${id}/stage`, body)
const startImport = (id: string, body: object, token = 'alpha', headers = {}) =>
  glance.call(token, 'POST', `/v2/images/${id}/import`, body, headers)
const tasks = async (id: string) =>
  (await glance.json('alpha', 'GET', `/v2/images/${id}/tasks`)).tasks as Record<string, unknown>[]
const settled = async (id: string) => {
  await expect.poll(async () => (await tasks(id)).at(-1)?.status, { timeout: 5000 }).toMatch(/success|failure/)
  return show(id)
}
const staged = () => readdir(join(glance.folder, 'work', 'staging'))

test('staged bytes are imported into the default store', async () => {
  const id = await glance.image('alpha')
  expect((await stage(id, bytes)).status).toBe(204)
  expect(await show(id)).toMatchObject({ status: 'uploading', size: bytes.length })
  const response = await startImport(id, { method: { name: 'glance-direct' } })
  expect(response.status).toBe(202)
  expect(await settled(id)).toMatchObject({
    status: 'active',
    stores: 'main',
    os_hash_value: createHash('sha512').update(bytes).digest('hex'),
    os_glance_importing_to_stores: '',
    os_glance_failed_import: '',
  })
  const [task] = await tasks(id)
  expect(task).toMatchObject({
    type: 'api_image_import',
    status: 'success',
    image_id: id,
    request_id: response.headers.get('x-openstack-request-id'),
  })
  expect(task).toMatchObject({ input: { import_req: { method: { name: 'glance-direct' } } } })
  expect(await staged()).toEqual([])
})

test('an import into all stores makes a copy in each, and one may be deleted', async () => {
  const id = await glance.image('alpha')
  await stage(id, bytes)
  await startImport(id, { method: { name: 'glance-direct' }, all_stores: true })
  expect(await settled(id)).toMatchObject({ status: 'active', stores: 'main,spare' })
  await glance.stores.main.purge(id)
  const download = await glance.call('alpha', 'GET', `/v2/images/${id}/file`)
  expect(Buffer.from(await download.arrayBuffer()).equals(bytes)).toBe(true)
  expect((await glance.call('alpha', 'GET', `/v2/images/${id}/file?prefer=moon`)).status).toBe(400)
})

test('web-download follows redirects that pass the filter, and nothing else', async () => {
  const ask = async (path: string) => {
    const id = await glance.image('alpha')
    const response = await startImport(id, {
      method: { name: 'web-download', uri: `http://127.0.0.1:${webPort}${path}` },
    })
    expect(response.status).toBe(202)
    return settled(id)
  }
  expect(await ask('/image')).toMatchObject({ status: 'active', size: bytes.length })
  expect(await ask('/moved')).toMatchObject({ status: 'active', size: bytes.length })
  for (const path of ['/away', '/loop', '/missing'])
    expect(await ask(path)).toMatchObject({ status: 'queued', size: null })
  expect(await staged()).toEqual([])
})

test('when all stores must succeed and one fails, nothing stays; else the others do', async () => {
  glance.stores.spare.capacity = 1000
  const strict = await glance.image('alpha')
  await stage(strict, bytes)
  await startImport(strict, { method: { name: 'glance-direct' }, all_stores: true })
  expect(await settled(strict)).toMatchObject({ status: 'queued', os_glance_failed_import: 'main,spare' })
  expect(await glance.stores.main.files()).not.toContain(strict)
  const lenient = await glance.image('alpha')
  await stage(lenient, bytes)
  await startImport(lenient, { method: { name: 'glance-direct' }, all_stores: true, all_stores_must_succeed: false })
  expect(await settled(lenient)).toMatchObject({ status: 'active', stores: 'main', os_glance_failed_import: 'spare' })
  glance.stores.spare.capacity = Number.POSITIVE_INFINITY
  expect((await startImport(lenient, { method: { name: 'copy-image' }, stores: ['main'] })).status).toBe(400)
  expect((await startImport(lenient, { method: { name: 'copy-image' }, all_stores: true })).status).toBe(202)
  expect(await settled(lenient)).toMatchObject({ status: 'active', stores: 'main,spare', os_glance_failed_import: '' })
})

test('unsafe content does not become an image through an import either', async () => {
  const id = await glance.image('alpha', { disk_format: 'qcow2' })
  await stage(id, bytes)
  await startImport(id, { method: { name: 'glance-direct' } })
  expect(await settled(id)).toMatchObject({ status: 'queued', size: null })
  expect((await tasks(id))[0]?.message).toContain('does not match')
  expect(await glance.stores.main.files()).not.toContain(id)
})

test.each([
  [{ method: {} }, 400],
  [{ method: { name: 'carrier-pigeon' } }, 400],
  [{ method: { name: 'web-download' } }, 400],
  [{ method: { name: 'web-download', uri: 'http://example.org:22/' } }, 400],
  [{ method: { name: 'web-download', uri: 'file:///etc/passwd' } }, 400],
  [{ method: { name: 'glance-direct' } }, 409],
  [{ method: { name: 'copy-image' }, all_stores: true }, 409],
  [{ method: { name: 'web-download', uri: 'OK' }, stores: ['moon'] }, 400],
  [{ method: { name: 'web-download', uri: 'OK' }, stores: ['main'], all_stores: true }, 400],
  [{ method: { name: 'web-download', uri: 'OK' }, all_stores: 'yes' }, 400],
])('the import %j of a queued image is refused with %i', async (body, status) => {
  const id = await glance.image('alpha')
  const method = body.method as { uri?: string }
  const uri = method.uri === 'OK' ? `http://127.0.0.1:${webPort}/image` : method.uri
  expect((await startImport(id, { ...body, method: uri === undefined ? method : { ...method, uri } })).status).toBe(
    status,
  )
  expect(await show(id)).toMatchObject({ status: 'queued' })
})

test('deleting a staged image removes its bytes, and a restart keeps those that wait', async () => {
  const [gone, waiting] = [await glance.image('alpha'), await glance.image('alpha')]
  await stage(gone, bytes)
  await stage(waiting, bytes)
  expect((await glance.call('alpha', 'DELETE', `/v2/images/${gone}`)).status).toBe(204)
  expect(await staged()).toEqual([waiting])
  await glance.restart()
  expect(await staged()).toEqual([waiting])
  await startImport(waiting, { method: { name: 'glance-direct' } })
  expect(await settled(waiting)).toMatchObject({ status: 'active' })
})

test('an import that a crash interrupted is taken back and its task failed', async () => {
  const id = await glance.image('alpha')
  await stage(id, bytes)
  await startImport(id, { method: { name: 'glance-direct' } })
  await settled(id)
  const { database } = glance
  await database
    .query('images')
    .where({ id })
    .update({ status: 'importing', worker: 'tests', worker_store: 'main', worker_seen_at: 1 })
  await database.query('image_locations').where({ image_id: id }).delete()
  await database.query('image_tasks').where({ image_id: id }).update({ status: 'processing' })
  await glance.restart()
  expect(await show(id)).toMatchObject({ status: 'queued', size: null })
  expect((await tasks(id))[0]).toMatchObject({ status: 'failure' })
  expect(await glance.stores.main.files()).not.toContain(id)
})

test('tasks are for admins', async () => {
  expect((await glance.call('alpha', 'GET', '/v2/tasks')).status).toBe(403)
  const page = await glance.json('alpha+admin', 'GET', '/v2/tasks?limit=2&status=failure')
  expect(page.tasks).toHaveLength(2)
  expect(page.next).toContain('marker=')
  const [task] = page.tasks as { id: string }[]
  expect(await glance.json('alpha+admin', 'GET', `/v2/tasks/${task!.id}`)).toHaveProperty('input')
})

test('a name is checked again by the address it resolves to', async () => {
  const filter = { ...defaultUriFilter, allowedPorts: [webPort], disallowedHosts: ['127.0.0.1', '::1'] }
  const uri = `http://localhost:${webPort}/image`
  expect(mayFetch(uri, filter)).toBe(true)
  await expect(openWebSource(uri, filter)).rejects.toThrow('does not answer')
  await expect(openWebSource(uri, { ...filter, disallowedHosts: [] })).rejects.toThrow('does not answer')
  const local = { ...filter, allowedNetworks: ['127.0.0.0/8', '::1'] }
  await expect(openWebSource(uri, local)).rejects.toThrow('does not answer')
  const data = await openWebSource(uri, { ...local, disallowedHosts: [] })
  expect(Buffer.concat(await data.toArray()).equals(bytes)).toBe(true)
})

test.each([
  ['http://example.org/x', true],
  ['https://example.org/x', true],
  ['ftp://example.org/x', false],
  ['http://example.org:8080/x', false],
  ['http://user@example.org/x', false],
  ['http://bad.example/x', false],
  ['http://BAD.example./x', false],
  ['http://127.0.0.1/x', false],
  ['http://0x7f.1/x', false],
  ['http://2130706433/x', false],
  ['http://0177.0.0.1/x', false],
  ['http://10.0.0.1/x', false],
  ['http://172.31.1.1/x', false],
  ['http://192.168.1.1/x', false],
  ['http://100.64.0.1/x', false],
  ['http://0.0.0.0/x', false],
  ['http://127.9.9.9/x', false],
  ['http://[::1]/x', false],
  ['http://[::]/x', false],
  ['http://[::127.0.0.1]/x', false],
  ['http://[fd00:ec2::254]/x', false],
  ['http://[64:ff9b::a9fe:a9fe]/x', false],
  ['http://[64:ff9b::0808:0808]/x', true],
  ['http://[2002:a9fe:a9fe::]/x', false],
  ['http://[2002:0808:0808::1]/x', true],
  ['http://[2001:db8::1]/x', true],
  ['http://10.9.0.1/x', true],
  ['http://[::ffff:10.9.0.1]/x', true],
  ['http://012.0.0.1/x', false],
  ['http://169.254.169.254/x', false],
  ['http://[::ffff:169.254.169.254]/x', false],
  ['http://[fe80::1]/x', false],
  ['nonsense', false],
])('the filter says of %s: %j', (uri, allowed) => {
  expect(
    mayFetch(uri, {
      ...defaultUriFilter,
      disallowedHosts: ['bad.example', '127.0.0.1'],
      allowedNetworks: ['10.9.0.0/16'],
    }),
  ).toBe(allowed)
})
