import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { uuid } from '@hearth/core'
import type { ImageLocations, VolumeRef } from '@hearth/driver'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openImageClient } from '../../model/clients/image.ts'
import { cloneFromStore } from './clone-from-store.ts'

const image = { id: uuid(), checksum: 'c', diskFormat: 'raw', containerFormat: 'bare', size: 2 ** 30 + 1 }
const volume: VolumeRef = { id: 'v', name: 'volume-v', sizeGiB: 2 }
const location = `rbd://fsid/images/${image.id}/snap`
let reply: { status: number; locations: object[] }
let requests: string[] = []
let cloned: ImageLocations[] = []
let glance: Server
let url = ''

beforeAll(async () => {
  glance = createServer((request, response) => {
    requests.push(`${request.url} ${request.headers['x-auth-token']}`)
    response.writeHead(reply.status, { 'content-type': 'application/json' }).end(JSON.stringify(reply.locations))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => glance.once('listening', resolve))
  url = `http://127.0.0.1:${(glance.address() as AddressInfo).port}`
})
afterAll(() => glance.close())
beforeEach(() => {
  reply = { status: 200, locations: [{ url: location, metadata: { store: 'ceph' } }] }
  requests = []
  cloned = []
})

const deps = () => ({
  images: openImageClient(async () => url),
  session: { token: async () => 'of-the-service' },
  driver: {
    async cloneImage(_volume: VolumeRef, locations: ImageLocations) {
      cloned.push(locations)
      return {}
    },
  },
})

test('a raw image is cloned in the image store, at the location that the service user reads', async () => {
  expect(await cloneFromStore(volume, image, deps())).toEqual({})
  expect(cloned).toEqual([{ id: image.id, diskFormat: 'raw', locations: [location] }])
  expect(requests).toEqual([`/v2/images/${image.id}/locations of-the-service`])
})

test('a token that the image service refuses is replaced once', async () => {
  let token = 'voided'
  const session = {
    token: async () => token,
    refused(one: string) {
      token = 'new'
      return one === 'voided'
    },
  }
  reply = { status: 401, locations: [] }
  const images = openImageClient(async () => url, session)
  await expect(images.locations(await session.token(), image.id)).rejects.toThrow('401')
  expect(requests.map((one) => one.split(' ')[1])).toEqual(['voided', 'new'])
})

test('many volumes at once need one request to the image service', async () => {
  const same = deps()
  await Promise.all(Array.from({ length: 20 }, () => cloneFromStore(volume, image, same)))
  expect([cloned.length, requests.length]).toEqual([20, 1])
})

test.each([
  ['without a store', { url: location, metadata: {} }],
  ['of another image', { url: `rbd://fsid/images/${uuid()}/snap`, metadata: { store: 'ceph' } }],
  [
    'of a volume whose name contains the image’s id',
    { url: `rbd://fsid/x/volume-${image.id}/s`, metadata: { store: 'ceph' } },
  ],
])('a location %s is not cloned', async (_what, given) => {
  reply.locations = [given]
  expect(await cloneFromStore(volume, image, deps())).toBeNull()
  expect(cloned).toEqual([])
})

test.each([403, 404])('an image whose locations the image service refuses with %d is copied', async (status) => {
  reply = { status, locations: [] }
  expect(await cloneFromStore(volume, image, deps())).toBeNull()
})

test('locations are not requested for an image that needs decoding or a driver that cannot clone images', async () => {
  expect(await cloneFromStore(volume, { ...image, diskFormat: 'qcow2' }, deps())).toBeNull()
  expect(await cloneFromStore(volume, { ...image, containerFormat: 'compressed' }, deps())).toBeNull()
  expect(await cloneFromStore(volume, image, { ...deps(), driver: {} })).toBeNull()
  expect(requests).toEqual([])
})

test('a volume smaller than the image is refused', async () => {
  await expect(cloneFromStore({ ...volume, sizeGiB: 1 }, image, deps())).rejects.toMatchObject({ kind: 'invalid' })
  expect(cloned).toEqual([])
})
