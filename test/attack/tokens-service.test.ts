import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, freshClient, login, makeRawImage, waitForStatus, waitUntilGone } from '../client.ts'
import { type Started, start } from '../start.ts'

let suite: Started
beforeAll(async () => {
  suite = await start()
})
afterAll(() => suite.close())

/** Logs in as one of the services, as who has read its secret would. */
function service(name: string): Promise<Client> {
  const secrets = JSON.parse(readFileSync(join(suite.dataFolder, 'secrets.json'), 'utf8')) as Record<string, string>
  return login(suite.urls, { username: name, password: secrets[name]!, project: 'service' })
}

test('the users of the object store and of the image service are no administrators of the cloud', async () => {
  const owner = await freshClient(suite.urls, suite.admin)
  const { id } = (await owner.must('volume', 'POST', '/volumes', { json: { volume: { size: 1 } } })).body.volume
  await waitForStatus(owner, `/volumes/${id}`, 'available')
  await owner.must('object', 'PUT', '/private')
  for (const name of ['swift', 'glance']) {
    const client = await service(name)
    expect((await client.call('identity', 'GET', '/users')).status).toBe(403)
    expect(
      (await client.call('identity', 'POST', '/projects', { json: { project: { name: randomUUID() } } })).status,
    ).toBe(403)
    expect((await client.call('volume', 'GET', `/volumes/${id}`)).status).toBeOneOf([403, 404])
    const account = `${suite.urls.object}/v1/AUTH_${owner.projectId}`
    for (const path of ['', '/private'])
      expect((await fetch(account + path, { headers: { 'x-auth-token': client.token } })).status).toBe(403)
  }
  await owner.must('volume', 'DELETE', `/volumes/${id}`)
})

test('with these roles images are stored, become volumes, and volumes are backed up', async () => {
  const owner = await freshClient(suite.urls, suite.admin)
  const imageRef = await makeRawImage(owner, randomBytes(2 ** 20))
  const { id } = (await owner.must('volume', 'POST', '/volumes', { json: { volume: { size: 1, imageRef } } })).body
    .volume
  await waitForStatus(owner, `/volumes/${id}`, 'available')
  const made = await owner.must('volume', 'POST', '/backups', { json: { backup: { volume_id: id } } })
  const path = `/backups/${made.body.backup.id}`
  await waitForStatus(owner, path, 'available', 120)
  expect((await owner.must('object', 'GET', '?format=json')).body).not.toEqual([])
  await owner.must('volume', 'DELETE', path)
  await waitUntilGone(owner, 'volume', path)
  await owner.must('volume', 'DELETE', `/volumes/${id}`)
  await waitUntilGone(owner, 'volume', `/volumes/${id}`)
})

test("a service's token is believed as such only in its own header (CVE-2023-2088)", async () => {
  const { admin, urls } = suite
  const owner = await freshClient(urls, admin)
  const { id } = (await owner.must('volume', 'POST', '/volumes', { json: { volume: { size: 1 } } })).body.volume
  await waitForStatus(owner, `/volumes/${id}`, 'available')
  const connector = { host: 'compute1', ip: '127.0.0.1', initiator: 'iqn.1993-08.org.debian:01:compute1' }
  const json = { attachment: { volume_uuid: id, instance_uuid: randomUUID(), connector } }
  const made = await owner.must('volume', 'POST', '/attachments', { json, version: '3.44' })
  const path = `/attachments/${made.body.attachment.id}`
  const { token } = await service('cinder')
  const remove = (headers: Record<string, string>) => owner.call('volume', 'DELETE', path, { headers, version: '3.44' })
  expect((await remove({})).status).toBe(409)
  expect((await remove({ 'x-service-token': owner.token })).status).toBe(409)
  expect((await remove({ 'x-auth-token': token })).status).toBe(409)
  expect((await remove({ 'x-service-token': `${token}x` })).status).toBe(401)
  expect((await remove({ 'x-service-token': token })).status).toBe(200)
  await owner.must('volume', 'DELETE', `/volumes/${id}`)
})
