import { afterAll, beforeAll, expect, test } from 'vitest'
import { projectScope, startIdentity, type TestIdentity } from '../../fixture.ts'

let identity: TestIdentity
let admin: string
let serviceId: string
let projectId: string

const call = (method: string, path: string, body?: object, token = admin) =>
  identity.call(method, `/v3${path}`, { token, ...(body ? { body } : {}) })

beforeAll(async () => {
  identity = await startIdentity()
  admin = await identity.login()
  serviceId = (await call('GET', '/services?type=image')).body.services[0].id
  projectId = (await call('GET', '/projects?name=demo')).body.projects[0].id
})
afterAll(() => identity.close())

test('a limit overrides a registered limit for a project, and the project sees only its own limits', async () => {
  const resource = { service_id: serviceId, resource_name: 'image_count_total' }
  const registered = await call('POST', '/registered_limits', {
    registered_limits: [{ ...resource, default_limit: 10 }],
  })
  expect(registered.status).toBe(201)
  const { id } = registered.body.registered_limits[0]
  const again = await call('POST', '/registered_limits', { registered_limits: [{ ...resource, default_limit: 10 }] })
  expect(again.status).toBe(409)
  const limits = [{ ...resource, resource_limit: 3, project_id: projectId }]
  const made = await call('POST', '/limits', { limits })
  expect(made.status).toBe(201)
  const demo = await identity.login('demo', 'secret-d', projectScope('demo'))
  const glance = await identity.login('glance', 'secret-g', projectScope('service'))
  for (const token of [demo, glance]) {
    const found = (
      await call('GET', `/limits?resource_name=image_count_total&project_id=${projectId}`, undefined, token)
    ).body
    expect(found.limits.map((limit: { resource_limit: number }) => limit.resource_limit)).toEqual([3])
  }
  expect((await call('DELETE', `/registered_limits/${id}`)).status).toBe(403)
  expect((await call('DELETE', `/limits/${made.body.limits[0].id}`)).status).toBe(204)
  expect((await call('DELETE', `/registered_limits/${id}`)).status).toBe(204)
  expect((await call('GET', '/limits/model')).body.model.name).toBe('flat')
})
