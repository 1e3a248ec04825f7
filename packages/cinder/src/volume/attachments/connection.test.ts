import type { Connection, ExportRequest } from '@hearth/driver'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestCinder, type TestCinder } from '../../start-for-tests.ts'

let cinder: TestCinder
/** The last export request of each volume, by volume name. */
const exported = new Map<string, ExportRequest>()
/** Connection that the driver returns instead of its own. */
let network: Connection | undefined
const connectors: (Record<string, unknown> | undefined)[] = []

beforeAll(async () => {
  cinder = await startTestCinder({ volume: { capabilities: { cacheable: true } } })
  const { volume, exporter } = cinder
  const { connection } = volume
  const { create } = exporter
  volume.connection = async (ref, connector) => {
    connectors.push(connector)
    return network ?? connection(ref)
  }
  exporter.perInitiator = true
  exporter.create = async (request) => {
    exported.set(request.name, request)
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

test('an export admits the initiators of the current attachments, also after a restart', async () => {
  const type = { name: 'many', extra_specs: { multiattach: '<is> True' } }
  await ask('POST', '/types', { volume_type: type })
  const id = await makeVolume({ volume_type: 'many' })
  const initiators = () => exported.get(`volume-${id}`)?.initiators
  const first = await attach(id, 'one')
  expect(initiators()).toEqual(['iqn.1993-08.org.debian:one'])
  const second = await attach(id, 'two')
  const again = await attach(id, 'two')
  const both = ['iqn.1993-08.org.debian:one', 'iqn.1993-08.org.debian:two']
  expect(initiators()).toEqual(both)
  exported.clear()
  await cinder.restartVolume()
  expect(initiators()).toEqual(both)
  await ask('DELETE', `/attachments/${second.id}`)
  expect(initiators()).toEqual(both)
  await ask('DELETE', `/attachments/${first.id}`)
  expect(initiators()).toEqual(['iqn.1993-08.org.debian:two'])
  await ask('DELETE', `/attachments/${again.id}`)
  expect(await cinder.exporter.list()).not.toContain(`volume-${id}`)
})

test('the export of a legacy connection admits its initiator after a restart too', async () => {
  const id = await makeVolume()
  const act = (action: object) => ask('POST', `/volumes/${id}/action`, action)
  await act({ 'os-reserve': {} })
  await act({ 'os-initialize_connection': { connector: connectorOf('old') } })
  exported.clear()
  await cinder.restartVolume()
  expect(exported.get(`volume-${id}`)?.initiators).toEqual(['iqn.1993-08.org.debian:old'])
  await act({ 'os-terminate_connection': { connector: connectorOf('old') } })
  await act({ 'os-unreserve': {} })
  expect(await cinder.exporter.list()).not.toContain(`volume-${id}`)
  const shown = await ask('GET', `/volumes/${id}`)
  expect(shown.body.volume.metadata).toEqual({})
})

test('a connection has the QoS limits of the compute host, with limits per GiB for the volume’s size', async () => {
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

test('a connection without an export keeps the driver’s data, with the mount point next to the data', async () => {
  const data = { export: 'nas:/vols', name: 'volume-1', options: null, format: 'raw', discard: true, encrypted: true }
  network = { kind: 'network', driver_volume_type: 'nfs', data, mount_point_base: '/var/lib/hearth/mnt' }
  const id = await makeVolume()
  const { connection_info, id: attachment } = await attach(id, 'one')
  expect(connectors.at(-1)).toMatchObject(connectorOf('one'))
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
