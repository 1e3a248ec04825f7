import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cloud, openCloud } from '../../../for-tests/cloud.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await openCloud({ keepers: false })
})
afterAll(() => cloud.close())

const names = { 'x-container-read': 'bob-project-name:bob' }
const ids = { 'x-container-read': 'bob-project:bob-id' }

/**
 * Returns the status of a request by bob, of a given domain, to a container with this list in the account of `owner`.
 */
async function reads(owner: string, headers: Record<string, string>, bob = 'bob'): Promise<number> {
  await cloud.call('PUT', '/c', { user: owner, headers })
  return (await cloud.call('GET', '/c', { user: bob, account: `AUTH_${owner.split(':')[0]}-project` })).status
}

test('names in an access list count where user, project and account are all of the default domain', async () => {
  expect(await reads('amy', names)).toBe(204)
  expect(await reads('amy', names, 'bob:member:other')).toBe(403)
  expect(await reads('ada:member:other', names)).toBe(403)
})

test('ids in an access list count in every domain', async () => {
  expect(await reads('ada:member:other', ids)).toBe(204)
  expect(await reads('ada:member:other', ids, 'bob:member:third')).toBe(204)
})

test('an account tells the domain of its project, and keeps the first one it learned', async () => {
  const domain = async (user: string) => (await cloud.call('HEAD', '', { user })).headers
  await cloud.call('POST', '', { user: 'max:member:other' })
  await cloud.call('POST', '', { user: 'max' })
  const headers = await domain('max')
  expect(headers.get('x-account-project-domain-id')).toBe('other')
  expect([...headers.keys()].filter((name) => name.includes('sysmeta'))).toEqual([])
})

test('in an account that an administrator made names count once its own project has confirmed its domain', async () => {
  const made = { user: 'root:ResellerAdmin', account: 'AUTH_tom-project' }
  await cloud.call('PUT', '/c', { ...made, headers: names })
  const read = async () => (await cloud.call('GET', '/c', { user: 'bob', account: 'AUTH_tom-project' })).status
  expect(await read()).toBe(403)
  expect((await cloud.call('HEAD', '', { user: 'tom' })).headers.get('x-account-project-domain-id')).toBeNull()
  await cloud.call('POST', '', { user: 'tom' })
  expect(await read()).toBe(204)
})

test('a client cannot set the domain itself', async () => {
  const headers = { 'x-account-sysmeta-project-domain-id': 'default', 'x-account-project-domain-id': 'default' }
  await cloud.call('POST', '', { user: 'eva:member:other', headers })
  const answer = await cloud.call('HEAD', '', { user: 'eva:member:other' })
  expect(answer.headers.get('x-account-project-domain-id')).toBe('other')
})
