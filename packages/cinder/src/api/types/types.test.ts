import { afterAll, beforeAll, expect, test } from 'vitest'
import { project, startTestCinder, type TestCinder } from '../../start-for-tests.ts'

let cinder: TestCinder
beforeAll(async () => {
  cinder = await startTestCinder()
})
afterAll(() => cinder.close())

const asAdmin = { token: 'admin' }
const other = '22222222222222222222222222222222'

async function makeType(fields: Record<string, unknown>): Promise<Record<string, never> & { id: string }> {
  const { status, body } = await cinder.ask('POST', '/types', { volume_type: fields }, asAdmin)
  expect(status).toBe(200)
  return body.volume_type
}

test('a type is made, seen, changed and deleted by administrators only', async () => {
  const fields = { name: 'gold', description: 'shiny', extra_specs: { tier: '1' } }
  expect(await cinder.ask('POST', '/types', { volume_type: fields })).toMatchObject({ status: 403 })
  const { id, ...type } = await makeType(fields)
  const shown = { ...fields, is_public: true, 'os-volume-type-access:is_public': true }
  expect(type).toEqual(shown)
  expect((await cinder.ask('GET', `/types/${id}`, undefined, asAdmin)).body).toEqual({
    volume_type: { id, ...shown, qos_specs_id: null },
  })
  expect((await cinder.ask('GET', `/types/${id}`)).body.volume_type.extra_specs).toEqual({})
  const change = { volume_type: { name: 'silver', is_public: false } }
  const changed = await cinder.ask('PUT', `/types/${id}`, change, asAdmin)
  expect(changed.body.volume_type).toEqual({
    id,
    name: 'silver',
    description: 'shiny',
    is_public: false,
    extra_specs: { tier: '1' },
  })
  expect(await cinder.ask('DELETE', `/types/${id}`, undefined, asAdmin)).toMatchObject({ status: 202, body: null })
  expect(await cinder.ask('GET', `/types/${id}`, undefined, asAdmin)).toMatchObject({
    status: 404,
    body: { itemNotFound: { code: 404, message: `Volume type ${id} could not be found.` } },
  })
})

test('two types cannot have one name, and a name cannot be empty', async () => {
  await makeType({ name: 'twice' })
  expect(await cinder.ask('POST', '/types', { volume_type: { name: 'twice' } }, asAdmin)).toMatchObject({ status: 409 })
  expect(await cinder.ask('POST', '/types', { volume_type: { name: '' } }, asAdmin)).toMatchObject({ status: 400 })
  expect(await cinder.ask('POST', '/types', { volume_type: { name: '  ' } }, asAdmin)).toMatchObject({ status: 400 })
})

test('the default type cannot be deleted', async () => {
  const { body } = await cinder.ask('GET', '/types/default')
  expect(body.volume_type.name).toBe('__DEFAULT__')
  expect(await cinder.ask('DELETE', `/types/${body.volume_type.id}`, undefined, asAdmin)).toMatchObject({ status: 400 })
})

test("a project's own default is what its volumes become", async () => {
  const type = await makeType({ name: 'ours' })
  const latest = { token: 'admin', version: '3.62' }
  const set = await cinder.ask('PUT', `/default-types/${project}`, { default_type: { volume_type: 'ours' } }, latest)
  expect(set.body).toEqual({ default_type: { project_id: project, volume_type_id: type.id } })
  const { body } = await cinder.ask('POST', '/volumes', { volume: { size: 1 } })
  expect(body.volume.volume_type).toBe('ours')
  expect(await cinder.ask('DELETE', `/default-types/${project}`, undefined, latest)).toMatchObject({ status: 204 })
  await cinder.wait(`/volumes/${body.volume.id}`, 'available')
  const specs = { extra_specs: { a: 'b' } }
  expect(await cinder.ask('POST', `/types/${type.id}/extra_specs`, specs, asAdmin)).toMatchObject({ status: 400 })
  expect(await cinder.ask('DELETE', `/types/${type.id}`, undefined, asAdmin)).toMatchObject({ status: 400 })
  await cinder.ask('DELETE', `/volumes/${body.volume.id}`)
})

test('a private type is seen and used by the projects it was granted to', async () => {
  const { id } = await makeType({ name: 'private', 'os-volume-type-access:is_public': false })
  const volume = { volume: { size: 1, volume_type: id } }
  expect(await cinder.ask('GET', `/types/${id}`)).toMatchObject({ status: 404 })
  expect(await cinder.ask('POST', '/volumes', volume)).toMatchObject({ status: 404 })
  const grant = { addProjectAccess: { project } }
  expect(await cinder.ask('POST', `/types/${id}/action`, grant, asAdmin)).toMatchObject({ status: 202 })
  expect(await cinder.ask('POST', `/types/${id}/action`, grant, asAdmin)).toMatchObject({ status: 409 })
  const list = await cinder.ask('GET', `/types/${id}/os-volume-type-access`, undefined, asAdmin)
  expect(list.body).toEqual({ volume_type_access: [{ volume_type_id: id, project_id: project }] })
  const names = async (token: string) =>
    (await cinder.ask('GET', '/types', undefined, { token })).body.volume_types.map(
      (type: { name: string }) => type.name,
    )
  expect(await names('member')).toContain('private')
  expect(await names('other')).not.toContain('private')
  const take = { removeProjectAccess: { project: other } }
  expect(await cinder.ask('POST', `/types/${id}/action`, take, asAdmin)).toMatchObject({ status: 404 })
  const open = await makeType({ name: 'open' })
  expect(await cinder.ask('POST', `/types/${open.id}/action`, grant, asAdmin)).toMatchObject({ status: 400 })
  expect(await cinder.ask('POST', `/types/${id}/action`, { dance: {} }, asAdmin)).toMatchObject({
    body: { badRequest: { message: expect.stringContaining('There is no such action: dance') } },
  })
})

test('extra specs are set, read and deleted one by one', async () => {
  const { id } = await makeType({ name: 'specs', extra_specs: { a: '1' } })
  const path = `/types/${id}/extra_specs`
  const set = await cinder.ask('POST', path, { extra_specs: { a: '2', b: '3' } }, asAdmin)
  expect(set.body).toEqual({ extra_specs: { a: '2', b: '3' } })
  expect(await cinder.ask('PUT', `${path}/b`, { b: '4' }, asAdmin)).toMatchObject({ status: 200, body: { b: '4' } })
  expect((await cinder.ask('GET', path, undefined, asAdmin)).body).toEqual({ extra_specs: { a: '2', b: '4' } })
  for (const bad of [null, { c: '4' }, { b: '4', c: '5' }]) {
    expect(await cinder.ask('PUT', `${path}/b`, bad === null ? 'null' : bad, asAdmin)).toMatchObject({ status: 400 })
  }
  expect(await cinder.ask('DELETE', `${path}/b`, undefined, asAdmin)).toMatchObject({ status: 202 })
  expect(await cinder.ask('GET', `${path}/b`, undefined, asAdmin)).toMatchObject({ status: 404 })
  const both = { extra_specs: { multiattach: '<is> True', cacheable: '<is> True' } }
  expect(await cinder.ask('POST', path, both, asAdmin)).toMatchObject({ status: 400 })
})

test('a type carries at most one description of its encryption', async () => {
  const { id } = await makeType({ name: 'secret' })
  const path = `/types/${id}/encryption`
  expect((await cinder.ask('GET', path, undefined, asAdmin)).body).toEqual({})
  const encryption = { provider: 'luks', control_location: 'front-end', cipher: 'aes-xts-plain64', key_size: 256 }
  const made = await cinder.ask('POST', path, { encryption }, asAdmin)
  expect(made.body.encryption).toMatchObject({ ...encryption, volume_type_id: id })
  expect(await cinder.ask('POST', path, { encryption }, asAdmin)).toMatchObject({ status: 400 })
  const change = { encryption: { key_size: 128 } }
  expect(await cinder.ask('PUT', `${path}/any`, change, asAdmin)).toMatchObject({ status: 200, body: change })
  expect((await cinder.ask('GET', `${path}/key_size`, undefined, asAdmin)).body).toEqual({ key_size: 128 })
  const loose = { encryption: { key_size: '512', provider: '', cipher: null } }
  expect(await cinder.ask('PUT', `${path}/any`, loose, asAdmin)).toMatchObject({ status: 200, body: loose })
  expect((await cinder.ask('GET', `${path}/key_size`, undefined, asAdmin)).body).toEqual({ key_size: 512 })
  for (const key_size of ['many', '-1', -1])
    expect(await cinder.ask('PUT', `${path}/any`, { encryption: { key_size } }, asAdmin)).toMatchObject({ status: 400 })
  expect(await cinder.ask('DELETE', `${path}/any`, undefined, asAdmin)).toMatchObject({ status: 202 })
  expect(await cinder.ask('DELETE', `${path}/any`, undefined, asAdmin)).toMatchObject({ status: 404 })
})

test('QoS specs are tied to types and cannot be deleted while they are', async () => {
  const fields = { name: 'fast', consumer: 'front-end', read_iops_sec: '2000' }
  const made = await cinder.ask('POST', '/qos-specs', { qos_specs: fields }, asAdmin)
  const { id } = made.body.qos_specs
  expect(made.body.qos_specs).toEqual({ id, name: 'fast', consumer: 'front-end', specs: { read_iops_sec: '2000' } })
  const path = `/qos-specs/${id}`
  const set = { qos_specs: { write_iops_sec: '5' } }
  expect(await cinder.ask('PUT', path, set, asAdmin)).toMatchObject({ status: 200, body: set })
  expect(await cinder.ask('PUT', `${path}/delete_keys`, { keys: ['write_iops_sec'] }, asAdmin)).toMatchObject({
    status: 202,
  })
  const type = await makeType({ name: 'fast type' })
  const tie = await cinder.ask('GET', `${path}/associate?vol_type_id=${type.id}`, undefined, asAdmin)
  expect(tie.status).toBe(202)
  expect((await cinder.ask('GET', `${path}/associations`, undefined, asAdmin)).body).toEqual({
    qos_associations: [{ association_type: 'volume_type', name: 'fast type', id: type.id }],
  })
  expect(await cinder.ask('DELETE', path, undefined, asAdmin)).toMatchObject({ status: 400 })
  expect(await cinder.ask('DELETE', `${path}?force=True`, undefined, asAdmin)).toMatchObject({ status: 202 })
  const after = await cinder.ask('GET', `/types/${type.id}`, undefined, asAdmin)
  expect(after.body.volume_type.qos_specs_id).toBeNull()
})

test('QoS specs are listed in pages', async () => {
  for (const name of ['qa', 'qb', 'qc']) await cinder.ask('POST', '/qos-specs', { qos_specs: { name } }, asAdmin)
  const page = async (query: string) => (await cinder.ask('GET', `/qos-specs?${query}`, undefined, asAdmin)).body
  const names = (body: { qos_specs: { name: string }[] }) => body.qos_specs.map(({ name }) => name)
  const first = await page('limit=2&sort=name:asc')
  expect(names(first)).toEqual(['qa', 'qb'])
  const next = new URL(first.qos_specs_links[0].href).search.slice(1)
  expect(names(await page(next))).toEqual(['qc'])
  expect((await page('limit=3&sort=name:desc')).qos_specs.map((each: { specs: object }) => each.specs)).toEqual([
    {},
    {},
    {},
  ])
  expect(await cinder.ask('GET', '/qos-specs?limit=-1', undefined, asAdmin)).toMatchObject({ status: 400 })
  expect(await cinder.ask('GET', '/qos-specs?marker=none', undefined, asAdmin)).toMatchObject({ status: 404 })
})
