import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startForTests, type TestService } from '../start-for-tests.ts'

let glance: TestService
let identity: Server
beforeAll(async () => {
  identity = createServer((_request, response) => {
    const endpoints = [{ interface: 'public', region: 'RegionTwo', url: glance.url }]
    response.end(JSON.stringify({ catalog: [{ type: 'image', endpoints }] }))
  })
  await new Promise<void>((resolve) => identity.listen(0, '127.0.0.1', resolve))
  const { port } = identity.address() as AddressInfo
  glance = await startForTests({ identityUrl: `http://127.0.0.1:${port}/v3` })
})
afterAll(async () => {
  await glance.close()
  identity.close()
})

const show = (id: string) => glance.json('alpha', 'GET', `/v2/images/${id}`)
const fetchFrom = (id: string, from: string, region = 'RegionTwo') =>
  glance.call('alpha', 'POST', `/v2/images/${id}/import`, {
    method: { name: 'glance-download', glance_image_id: from, glance_region: region },
  })
const settled = async (id: string) => {
  const last = async () =>
    ((await glance.json('alpha', 'GET', `/v2/images/${id}/tasks`)).tasks as { status: string }[]).at(-1)?.status
  await expect.poll(last, { timeout: 5000 }).toMatch(/success|failure/)
  return show(id)
}

test('an image of another region comes with its formats and well-known properties', async () => {
  const bytes = randomBytes(700_000)
  const source = await glance.image('alpha', { hw_cpu_cores: '5', os_distro: 'debian', speed: 'high' })
  await glance.call('alpha', 'PUT', `/v2/images/${source}/file`, bytes)
  const target = await glance.image('alpha', { disk_format: 'iso', container_format: 'ovf', hw_cpu_cores: '1' })
  expect((await fetchFrom(target, source)).status).toBe(202)
  const image = await settled(target)
  expect(image).toMatchObject({ status: 'active', disk_format: 'raw', container_format: 'bare', hw_cpu_cores: '5' })
  expect(image).toMatchObject({ os_distro: 'debian', checksum: (await show(source)).checksum })
  expect(image).not.toHaveProperty('speed')
})

test('an id that is none is refused; a region or an image that is not there fails the task', async () => {
  const target = await glance.image('alpha', { hw_cpu_cores: '1' })
  expect(await (await fetchFrom(target, 'foo')).text()).toContain('image id does not look like a UUID')
  for (const region of ['RegionTwo', 'Nowhere']) {
    expect((await fetchFrom(target, '36d4b546-64a2-4bb9-bdd0-ba676aa48f2c', region)).status).toBe(202)
    expect(await settled(target)).toMatchObject({ status: 'queued', hw_cpu_cores: '1' })
  }
})
