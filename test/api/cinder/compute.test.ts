import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, login, until, waitForStatus } from '../../client.ts'
import { type Started, start } from '../../start.ts'

// A suite of its own: a Compute service in the catalog changes what others may detach.
interface Asked {
  method: string
  path: string
  version: string
  token: string
  body: { events?: { name: string; server_uuid: string; tag: string }[] }
}

let suite: Started
let admin: Client
let demo: Client
let compute: Server
const asked: Asked[] = []
/** Attachment ids that Compute knows, by server and volume. */
const known = new Map<string, string>()
const connector = { initiator: 'iqn.1993-08.org.debian:01:test', host: 'tester', ip: '127.0.0.1', platform: 'x86_64' }
const version = '3.68'

beforeAll(async () => {
  compute = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => {
      const path = request.url!
      const body = text === '' ? {} : JSON.parse(text)
      const [version, token] = [request.headers['openstack-api-version'], request.headers['x-auth-token']]
      asked.push({ method: request.method!, path, version: String(version), token: String(token), body })
      const found = /^\/v2\.1\/servers\/([^/]+)\/os-volume_attachments\/([^/]+)$/.exec(path)
      const attachment_id = found && known.get(`${found[1]} ${found[2]}`)
      if (request.method === 'POST') response.end(JSON.stringify({ events: [] }))
      else if (attachment_id) response.end(JSON.stringify({ volumeAttachment: { attachment_id } }))
      else response.writeHead(404).end('{}')
    })
  })
  await new Promise<void>((done) => compute.listen(0, '127.0.0.1', done))
  suite = await start()
  admin = await login(suite.urls, suite.admin)
  demo = await login(suite.urls, suite.demo)
})

afterAll(async () => {
  await suite?.close()
  compute.close()
  compute.closeAllConnections()
})

async function makeVolume(): Promise<string> {
  const { volume } = (await demo.must('volume', 'POST', '/volumes', { json: { volume: { size: 1 } } })).body
  await waitForStatus(demo, `/volumes/${volume.id}`, 'available')
  return volume.id
}

async function attach(volume_uuid: string, instance_uuid: string, connect = true): Promise<string> {
  const json = { attachment: { volume_uuid, instance_uuid, ...(connect ? { connector } : {}) } }
  const { id } = (await demo.must('volume', 'POST', '/attachments', { json, version })).body.attachment
  await demo.must('volume', 'POST', `/attachments/${id}/action`, { json: { 'os-complete': {} }, version })
  return id
}

const eventsOf = (volume: string) =>
  asked.flatMap(({ body, version, path }) =>
    (body.events ?? [])
      .filter(({ tag }) => tag === volume)
      .map(({ name, server_uuid }) => ({ name, server_uuid, version, path })),
  )

test('without Compute in the catalog an attached volume is extended without a word, and its attachment stays', async () => {
  const [volume, server] = [await makeVolume(), randomUUID()]
  const attachment = await attach(volume, server)
  await demo.must('volume', 'POST', `/volumes/${volume}/action`, { json: { 'os-extend': { new_size: 2 } }, version })
  await waitForStatus(demo, `/volumes/${volume}`, 'in-use')
  expect((await demo.call('volume', 'DELETE', `/attachments/${attachment}`, { version })).status).toBe(409)
  expect(asked).toEqual([])
})

test('with Compute in the catalog, made after the start, it hears that an attached volume has grown', async () => {
  const { port } = compute.address() as AddressInfo
  const { service } = (
    await admin.must('identity', 'POST', '/services', { json: { service: { type: 'compute', name: 'nova' } } })
  ).body
  const endpoint = {
    service_id: service.id,
    interface: 'public',
    region: 'RegionOne',
    url: `http://127.0.0.1:${port}/v2.1`,
  }
  await admin.must('identity', 'POST', '/endpoints', { json: { endpoint } })
  const [volume, server] = [await makeVolume(), randomUUID()]
  await attach(volume, server)
  // A log-in is not repeated at once, so the first extensions may go by untold.
  let size = 1
  await until(
    async () => {
      size += 1
      await demo.must('volume', 'POST', `/volumes/${volume}/action`, {
        json: { 'os-extend': { new_size: size } },
        version,
      })
      await waitForStatus(demo, `/volumes/${volume}`, 'in-use')
      await new Promise((done) => setTimeout(done, 1000))
      return eventsOf(volume)
    },
    (events) => events.length > 0,
    60,
  )
  expect(eventsOf(volume)[0]).toEqual({
    name: 'volume-extended',
    server_uuid: server,
    version: 'compute 2.51',
    path: '/v2.1/os-server-external-events',
  })
  expect(asked.at(-1)!.token.length).toBeGreaterThan(20)
})

test('an attachment of a server that Compute knows stays, one of a server it does not know may go', async () => {
  const [volume, server] = [await makeVolume(), randomUUID()]
  const attachment = await attach(volume, server)
  known.set(`${server} ${volume}`, attachment)
  expect((await demo.call('volume', 'DELETE', `/attachments/${attachment}`, { version })).status).toBe(409)
  known.clear()
  expect((await demo.call('volume', 'DELETE', `/attachments/${attachment}`, { version })).status).toBe(200)
  await waitForStatus(demo, `/volumes/${volume}`, 'available')
  expect(asked.some(({ method, version }) => method === 'GET' && version === 'compute 2.89')).toBe(true)
})

test('servers that wait for the re-imaging of a reserved volume hear when it is done', async () => {
  const [volume, server] = [await makeVolume(), randomUUID()]
  const json = { attachment: { volume_uuid: volume, instance_uuid: server } }
  await demo.must('volume', 'POST', '/attachments', { json, version })
  await waitForStatus(demo, `/volumes/${volume}`, 'reserved')
  const image = { name: 'new', disk_format: 'raw', container_format: 'bare' }
  const { id } = (await demo.must('image', 'POST', '/images', { json: image })).body
  const body = Buffer.alloc(1024 * 1024, 7)
  await demo.must('image', 'PUT', `/images/${id}/file`, {
    body,
    headers: { 'content-type': 'application/octet-stream' },
  })
  const reimage = { 'os-reimage': { image_id: id, reimage_reserved: true } }
  await demo.must('volume', 'POST', `/volumes/${volume}/action`, { json: reimage, version })
  await until(
    async () => eventsOf(volume),
    (events) => events.length > 0,
    60,
  )
  expect(eventsOf(volume)).toEqual([
    { name: 'volume-reimaged', server_uuid: server, version: 'compute 2.93', path: '/v2.1/os-server-external-events' },
  ])
  await waitForStatus(demo, `/volumes/${volume}`, 'reserved')
})
