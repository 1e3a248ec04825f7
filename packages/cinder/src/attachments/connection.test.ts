import type { Connection, ExportRequest } from '@hearth/driver'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestCinder, type TestCinder } from '../start-for-tests.ts'

let cinder: TestCinder
/** What the exporter was last asked for, by volume name. */
const offered = new Map<string, ExportRequest>()
/** What the driver says in place of its own connection. */
let network: Connection | undefined
const asked: (Record<string, unknown> | undefined)[] = []

beforeAll(async () => {
  cinder = await startTestCinder({ volume: { capabilities: { cacheable: true } } })
  const { volume, exporter } = cinder
  const { connection } = volume
  const { create } = exporter
  volume.connection = async (ref, connector) => {
    asked.push(connector)
    return network ?? connection(ref)
  }
  exporter.perInitiator = true
  exporter.create = async (request) => {
    offered.set(request.name, request)
    return create(request)
  }
})
afterAll(() => cinder.close())

const asAdmin = { token: 'admin', version: '3.54' }
const ask = (method: string, path: string, body?: object) => cinder.ask(method, path, body, asAdmin)
const connectorOf = (host: string) => ({ initiator: `iqn.1993-08.org.debian:${host}`, host, ip: '127.0.0.1' })

async function makeVolume(more: object = {}): Promise<string> {
  const { body } = await ask('POST', '/volumes', { volume: { size: 2, ...more } })
  await cinder.wait(`/volumes/${body.volume.id}`, 'available')
  return body.volume.id
}

async function attach(id: string, host: string, more: object = {}) {
  const connector = { ...connectorOf(host), ...more }
  const { body } = await ask('POST', '/attachments', { attachment: { volume_uuid: id, connector } })
  await ask('POST', `/attachments/${body.attachment.id}/action`, { 'os-complete': {} })
  return body.attachment
}

test('each initiator is let in with its attachment and kept out after it, without a restart forgetting one', async () => {
  const type = { name: 'many', extra_specs: { multiattach: '<is> True' } }
  await ask('POST', '/types', { volume_type: type })
  const id = await makeVolume({ volume_type: 'many' })
  const initiators = () => offered.get(`volume-${id}`)?.initiators
  const first = await attach(id, 'one')
  expect(initiators()).toEqual(['iqn.1993-08.org.debian:one'])
  const second = await attach(id, 'two')
  const again = await attach(id, 'two')
  const both = ['iqn.1993-08.org.debian:one', 'iqn.1993-08.org.debian:two']
  expect(initiators()).toEqual(both)
  offered.clear()
  await cinder.restartVolume()
  expect(initiators()).toEqual(both)
  await ask('DELETE', `/attachments/${second.id}`)
  expect(initiators()).toEqual(both)
  await ask('DELETE', `/attachments/${first.id}`)
  expect(initiators()).toEqual(['iqn.1993-08.org.debian:two'])
  await ask('DELETE', `/attachments/${again.id}`)
  expect(await cinder.exporter.list()).not.toContain(`volume-${id}`)
})

test('a legacy connection keeps its initiator across a restart', async () => {
  const id = await makeVolume()
  const act = (action: object) => ask('POST', `/volumes/${id}/action`, action)
  await act({ 'os-reserve': {} })
  await act({ 'os-initialize_connection': { connector: connectorOf('old') } })
  offered.clear()
  await cinder.restartVolume()
  expect(offered.get(`volume-${id}`)?.initiators).toEqual(['iqn.1993-08.org.debian:old'])
  await act({ 'os-terminate_connection': { connector: connectorOf('old') } })
  await act({ 'os-unreserve': {} })
  expect(await cinder.exporter.list()).not.toContain(`volume-${id}`)
  const shown = await ask('GET', `/volumes/${id}`)
  expect(shown.body.volume.metadata).toEqual({})
})

test('limits for the compute host come with the connection, those by the GiB for the size of the volume', async () => {
  const specs = {
    consumer: 'both',
    read_iops_sec_per_gb: '100',
    write_iops_sec_per_gb: '10',
    write_iops_sec_per_gb_min: '500',
    total_bytes_sec_per_gb: '1000',
    total_bytes_sec_max: '1500',
    note: 'kept',
  }
  const made = await ask('POST', '/qos-specs', { qos_specs: { name: 'limits', ...specs } })
  const type = (await ask('POST', '/types', { volume_type: { name: 'limited' } })).body.volume_type
  await ask('POST', `/types/${type.id}/extra_specs`, { extra_specs: { cacheable: '<is> True' } })
  const qosId = made.body.qos_specs.id
  await ask('GET', `/qos-specs/${qosId}/associate?vol_type_id=${type.id}`)
  const id = await makeVolume({ volume_type: 'limited' })
  const { connection_info } = await attach(id, 'one', { enforce_multipath: true })
  expect(connection_info.qos_specs).toEqual({
    read_iops_sec: 200,
    write_iops_sec: 500,
    total_bytes_sec: 1500,
    note: 'kept',
  })
  expect(connection_info).toMatchObject({ cacheable: true, enforce_multipath: true, encrypted: false })
  expect(connection_info).not.toHaveProperty('discard')
  await ask('PUT', `/qos-specs/${qosId}`, { qos_specs: { consumer: 'back-end' } })
  const silent = await makeVolume({ volume_type: 'limited' })
  expect((await attach(silent, 'one')).connection_info.qos_specs).toBeNull()
})

test('connections of storage that needs no export pass as their driver words them, the mount point beside the data', async () => {
  const data = { export: 'nas:/vols', name: 'volume-1', options: null, format: 'raw', discard: true, encrypted: true }
  network = { kind: 'network', driver_volume_type: 'nfs', data, mount_point_base: '/var/lib/hearth/mnt' }
  const id = await makeVolume()
  const { connection_info, id: attachment } = await attach(id, 'one')
  expect(asked.at(-1)).toMatchObject(connectorOf('one'))
  expect(connection_info).toEqual({
    ...data,
    driver_volume_type: 'nfs',
    mount_point_base: '/var/lib/hearth/mnt',
    attachment_id: attachment,
    qos_specs: null,
    access_mode: 'rw',
    cacheable: false,
    enforce_multipath: false,
  })
  const other = await makeVolume()
  const legacy = await ask('POST', `/volumes/${other}/action`, {
    'os-initialize_connection': { connector: connectorOf('x') },
  })
  expect(Object.keys(legacy.body.connection_info).sort()).toEqual(['data', 'driver_volume_type', 'mount_point_base'])
  network = undefined
})
