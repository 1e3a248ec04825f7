import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cloud, openCloud } from '../../for-tests/cloud.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await openCloud({ keepers: false })
})
afterAll(() => cloud.close())

test.each([
  ['x-versions-enabled', 'true'],
  ['x-container-sync-to', '//realm/cluster/account/container'],
  ['x-container-sync-key', 'key'],
])('a container with %s is refused by name, not made without it', async (name, value) => {
  const answer = await cloud.call('PUT', '/c', { headers: { [name]: value } })
  expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining(name)])
  expect((await cloud.call('HEAD', '/c')).status).toBe(404)
})

test('versioning that is switched off, and sync headers that are removed, harm nothing', async () => {
  const headers = { 'x-versions-enabled': 'false', 'x-container-sync-to': '', 'x-remove-container-sync-key': 'x' }
  expect((await cloud.call('PUT', '/off', { headers })).status).toBe(201)
})

test('quotas of a storage policy are refused: to users as any quota, to administrators by name', async () => {
  const name = 'x-account-quota-bytes-policy-policy-0'
  const set = async (user: string, header = name) => {
    const answer = await cloud.call('POST', '', { user, account: 'AUTH_ann-project', headers: { [header]: '5' } })
    return [answer.status, await answer.text()]
  }
  expect((await set('ann'))[0]).toBe(403)
  expect((await set('ann', `x-remove-${name.slice(2)}`))[0]).toBe(403)
  expect(await set('eve:ResellerAdmin')).toEqual([400, expect.stringContaining(name)])
})
