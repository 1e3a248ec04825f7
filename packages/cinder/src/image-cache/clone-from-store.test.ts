import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { uuid } from '@hearth/core'
import type { ImageLocations, VolumeRef } from '@hearth/driver'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openImageClient } from '../clients/image.ts'
import { cloneFromStore } from './clone-from-store.ts'

const image = { id: uuid(), checksum: 'c', diskFormat: 'raw', containerFormat: 'bare', size: 2 ** 30 + 1 }
const volume: VolumeRef = { id: 'v', name: 'volume-v', sizeGiB: 2 }
const location = `rbd://fsid/images/${image.id}/snap`
let answer: { status: number; locations: object[] }
let asked: string[] = []
let cloned: ImageLocations[] = []
let glance: Server
let url = ''

beforeAll(async () => {
  glance = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers['x-auth-token']}`)
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.locations))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => glance.once('listening', resolve))
  url = `http://127.0.0.1:${(glance.address() as AddressInfo).port}`
})
afterAll(() => glance.close())
beforeEach(() => {
  answer = { status: 200, locations: [{ url: location, metadata: { store: 'ceph' } }] }
  asked = []
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

test('a raw image is cloned where its store keeps it; the service asks where that is', async () => {
  expect(await cloneFromStore(volume, image, deps())).toEqual({})
  expect(cloned).toEqual([{ id: image.id, diskFormat: 'raw', locations: [location] }])
  expect(asked).toEqual([`/v2/images/${image.id}/locations of-the-service`])
})

test('a token that the image service refuses is replaced, once', async () => {
  let token = 'voided'
  const session = {
    token: async () => token,
    refused(one: string) {
      token = 'new'
      return one === 'voided'
    },
  }
  answer = { status: 401, locations: [] }
  const images = openImageClient(async () => url, session)
  await expect(images.locations(await session.token(), image.id)).rejects.toThrow('401')
  expect(asked.map((one) => one.split(' ')[1])).toEqual(['voided', 'new'])
})

test('many volumes at once cost one question', async () => {
  const same = deps()
  await Promise.all(Array.from({ length: 20 }, () => cloneFromStore(volume, image, same)))
  expect([cloned.length, asked.length]).toEqual([20, 1])
})

test.each([
  ['of no store', { url: location, metadata: {} }],
  ['of another image', { url: `rbd://fsid/images/${uuid()}/snap`, metadata: { store: 'ceph' } }],
  [
    'of a volume that has its id in the name',
    { url: `rbd://fsid/x/volume-${image.id}/s`, metadata: { store: 'ceph' } },
  ],
])('a location %s is not cloned', async (_what, given) => {
  answer.locations = [given]
  expect(await cloneFromStore(volume, image, deps())).toBeNull()
  expect(cloned).toEqual([])
})

test.each([403, 404])('an image service that answers %d has the image copied', async (status) => {
  answer = { status, locations: [] }
  expect(await cloneFromStore(volume, image, deps())).toBeNull()
})

test('what must be decoded, and what the backend cannot clone, is not asked for', async () => {
  expect(await cloneFromStore(volume, { ...image, diskFormat: 'qcow2' }, deps())).toBeNull()
  expect(await cloneFromStore(volume, { ...image, containerFormat: 'compressed' }, deps())).toBeNull()
  expect(await cloneFromStore(volume, image, { ...deps(), driver: {} })).toBeNull()
  expect(asked).toEqual([])
})

test('a volume smaller than the image is refused', async () => {
  await expect(cloneFromStore({ ...volume, sizeGiB: 1 }, image, deps())).rejects.toMatchObject({ kind: 'invalid' })
  expect(cloned).toEqual([])
})
