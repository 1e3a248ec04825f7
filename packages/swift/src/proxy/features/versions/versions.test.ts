import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cloud, openCloud } from '../../../for-tests/cloud.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await openCloud({ keepers: false })
})
afterAll(() => cloud.close())

const text = async (path: string) => (await cloud.call('GET', path)).text()

test.each(['x-versions-location', 'x-history-location'])('%s is percent-encoded', async (header) => {
  const archive = encodeURIComponent(`archive für ${header}`)
  await cloud.call('PUT', `/${archive}`)
  await cloud.call('PUT', `/${header}`, { headers: { [header]: archive } })
  expect((await cloud.call('HEAD', `/${header}`)).headers.get(header)).toBe(archive)
  for (const body of ['one', 'two']) expect((await cloud.call('PUT', `/${header}/o`, { body })).status).toBe(201)
  expect(await text(`/${archive}`)).toMatch(/^001o\/[0-9.]+\n$/)
  expect((await cloud.call('DELETE', `/${header}/o`)).status).toBe(204)
  expect((await cloud.call('PUT', '/bad', { headers: { [header]: 'a%2Fb' } })).status).toBe(412)
})

test('a location that is set in the same request as it is removed is set', async () => {
  await cloud.call('PUT', '/archive')
  const headers = { 'x-versions-location': 'archive', 'x-remove-versions-location': 'x' }
  await cloud.call('PUT', '/both', { headers })
  expect((await cloud.call('HEAD', '/both')).headers.get('x-versions-location')).toBe('archive')
})

test('a link that was replaced comes back as a link', async () => {
  await cloud.call('PUT', '/links', { headers: { 'x-versions-location': 'archive' } })
  await cloud.call('PUT', '/archive/target', { body: 'before' })
  await cloud.call('PUT', '/links/o', { body: '', headers: { 'x-symlink-target': 'archive/target' } })
  await cloud.call('PUT', '/links/o', { body: 'plain' })
  await cloud.call('PUT', '/archive/target', { body: 'after' })
  expect(await text('/links/o')).toBe('plain')
  await cloud.call('DELETE', '/links/o')
  expect(await text('/links/o')).toBe('after')
})
