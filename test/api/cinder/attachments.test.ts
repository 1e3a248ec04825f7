import { execa } from 'execa'
import { expect, test } from 'vitest'
import { freshClient, waitForStatus, waitUntilGone } from '../../client.ts'
import { suite } from '../../suite.ts'

const { urls, admin } = suite()
const client = await freshClient(urls, admin)
const version = '3.54'
const connector = { initiator: 'iqn.1993-08.org.debian:01:test', host: 'tester', ip: '127.0.0.1', platform: 'x86_64' }

test('a volume is written over iSCSI by its connection, refused with a wrong password, and read by its next user', async () => {
  const { body } = await client.must('volume', 'POST', '/volumes', { json: { volume: { size: 1 } } })
  const path = `/volumes/${body.volume.id}`
  await waitForStatus(client, path, 'available')
  const first = await attach(body.volume.id)
  expect(first.connection_info).toMatchObject({
    driver_volume_type: 'iscsi',
    target_discovered: false,
    target_lun: expect.any(Number),
    volume_id: body.volume.id,
    auth_method: 'CHAP',
    encrypted: false,
    access_mode: 'rw',
  })
  await client.must('volume', 'POST', `/attachments/${first.id}/action`, { json: { 'os-complete': {} }, version })
  expect((await client.must('volume', 'GET', path)).body.volume.status).toBe('in-use')
  await qemuIo(addressOf(first.connection_info), 'write -P 0x5a 1M 64k')
  const wrong = { ...first.connection_info, auth_password: 'wrong-password' }
  await expect(qemuIo(addressOf(wrong), 'read 0 4k')).rejects.toThrow()
  await client.must('volume', 'DELETE', `/attachments/${first.id}`, { version })
  await waitForStatus(client, path, 'available')
  await expect(qemuIo(addressOf(first.connection_info), 'read 0 4k')).rejects.toThrow()
  const second = await attach(body.volume.id)
  await qemuIo(addressOf(second.connection_info), 'read -P 0x5a 1M 64k')
  await client.must('volume', 'DELETE', `/attachments/${second.id}`, { version })
  await client.must('volume', 'DELETE', path)
  await waitUntilGone(client, 'volume', path)
})

test('the legacy actions attach and detach with a nested connection', async () => {
  const { body } = await client.must('volume', 'POST', '/volumes', { json: { volume: { size: 1 } } })
  const path = `/volumes/${body.volume.id}`
  await waitForStatus(client, path, 'available')
  const act = (json: unknown) => client.call('volume', 'POST', `${path}/action`, { json })
  expect((await act({ 'os-reserve': {} })).status).toBe(202)
  const connected = await act({ 'os-initialize_connection': { connector } })
  expect(connected.status).toBe(200)
  expect(connected.body.connection_info).toMatchObject({ driver_volume_type: 'iscsi', data: { auth_method: 'CHAP' } })
  expect((await act({ 'os-attach': { host_name: 'tester', mountpoint: '/dev/vdb', mode: 'rw' } })).status).toBe(202)
  const shown = (await client.must('volume', 'GET', path)).body.volume
  expect(shown.status).toBe('in-use')
  expect(shown.attachments[0]).toMatchObject({ device: '/dev/vdb', volume_id: body.volume.id })
  expect((await act({ 'os-begin_detaching': {} })).status).toBe(202)
  expect((await act({ 'os-terminate_connection': { connector } })).status).toBe(202)
  expect((await act({ 'os-detach': {} })).status).toBe(202)
  await waitForStatus(client, path, 'available')
  await client.must('volume', 'DELETE', path)
})

test('an attached volume is not deleted', async () => {
  const { body } = await client.must('volume', 'POST', '/volumes', { json: { volume: { size: 1 } } })
  await waitForStatus(client, `/volumes/${body.volume.id}`, 'available')
  const { id } = await attach(body.volume.id)
  expect((await client.call('volume', 'DELETE', `/volumes/${body.volume.id}`)).status).toBe(400)
  await client.must('volume', 'DELETE', `/attachments/${id}`, { version })
  await client.must('volume', 'DELETE', `/volumes/${body.volume.id}`)
})

interface Attachment {
  id: string
  connection_info: Record<string, string | number>
}

async function attach(volumeId: string): Promise<Attachment> {
  const json = { attachment: { volume_uuid: volumeId, instance_uuid: null, connector } }
  return (await client.must('volume', 'POST', '/attachments', { json, version })).body.attachment
}

function addressOf(info: Attachment['connection_info']): string {
  const login = `${info.auth_username}%${info.auth_password}`
  return `iscsi://${login}@${info.target_portal}/${info.target_iqn}/${info.target_lun}`
}

async function qemuIo(address: string, command: string): Promise<void> {
  const { stdout } = await execa('qemu-io', ['-f', 'raw', '-c', command, address])
  if (/failed|error/i.test(stdout)) throw new Error(stdout)
}
