import { spawn } from 'node:child_process'
import { mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { type Client, login, waitForStatus } from '../client.ts'
import { freePort } from '../lab/daemon.ts'
import { type LabVm, startLabVm } from '../lab/vm.ts'
import { type Started, start } from '../start.ts'

const root = join(import.meta.dirname, '../..')
const scratch = mkdtempSync(join(tmpdir(), 'hearth-attach-'))
let vm: LabVm
let suite: Started
let client: Client
let id: string

beforeAll(async () => {
  const portal = await freePort()
  const started = start({ config: { volume: { portals: [`127.0.0.1:${portal}`] } } })
  vm = await startLabVm()
  await vm.run('modprobe iscsi_tcp; pgrep -x iscsid || iscsid')
  suite = await started
  // The machine sees this host's loopback under another address.
  const options = { portals: { [`127.0.0.1:${portal}`]: `10.0.2.2:${portal}` } }
  const connectors = { iscsi: { driver: '@hearth/driver-iscsi', options } }
  writeFileSync(join(scratch, 'hearth.yaml'), stringify({ dataFolder: join(scratch, 'data'), connectors }))
  client = await login(suite.urls, suite.admin)
  const { body } = await client.must('volume', 'POST', '/volumes', { json: { volume: { size: 1, name: 'disk' } } })
  id = body.volume.id
  await waitForStatus(client, `/volumes/${id}`, 'available')
})

afterAll(async () => {
  await vm?.close()
  await suite?.close()
  rmSync(scratch, { recursive: true, force: true })
})

const command = (verb: string, ...more: string[]): [string, string[], object] => [
  join(root, 'node_modules/.bin/node'),
  [
    ...[join(root, 'packages/hearth/hearth.mjs'), '--config', join(scratch, 'hearth.yaml'), verb],
    ...['--host-ssh', JSON.stringify(vm.ssh), '--state', join(scratch, 'kept'), ...more],
  ],
  { cwd: scratch, env: { ...process.env, ...suite.env } },
]
const hearth = async (verb: string, ...more: string[]): Promise<string> =>
  (await execa(...command(verb, ...more))).stdout
const statusOf = async (): Promise<string> => (await client.must('volume', 'GET', `/volumes/${id}`)).body.volume.status
const sessions = (): Promise<string> => vm.run('iscsiadm -m session 2>/dev/null || true')

test('a volume attached by name is a disk of the host; in use it stays, detached it keeps its bytes', async () => {
  const device = await hearth('attach', 'disk')
  expect(device).toMatch(/^\/dev\/sd[a-z]+$/)
  expect(await statusOf()).toBe('in-use')
  expect(await hearth('attach', id)).toBe(device)
  const [listed] = JSON.parse(await hearth('attach', '--list', '--json'))
  expect(listed).toMatchObject({ volumeId: id, volumeName: 'disk', device, host: vm.ssh.at(-1) })
  expect(JSON.stringify(listed)).not.toContain('password')
  await vm.run(`set -e; mkfs.xfs -q ${device}; mount ${device} /mnt; echo kept > /mnt/file; sync`)
  await expect(hearth('detach', 'disk')).rejects.toThrow(/disk stays attached: .*in use.* Unmount it/)
  expect(await statusOf()).toBe('in-use')
  expect(await vm.run('cat /mnt/file')).toBe('kept')
  await vm.run('umount /mnt')
  expect(await hearth('detach', 'disk')).toBe('disk is detached.')
  expect(await statusOf()).toBe('available')
  expect(await sessions()).toBe('')
  const file = openSync(join(suite.dataFolder, 'volumes', `volume-${id}`), 'r')
  const magic = Buffer.alloc(4)
  readSync(file, magic, 0, 4, 0)
  expect(magic.toString()).toBe('XFSB')
  await expect(hearth('detach', 'disk')).rejects.toThrow(/disk is not attached to .* by hearth attach/)
})

/** Starts attaching, and kills the command without a word when it says that it connects. */
async function killedAttach(): Promise<void> {
  const child = spawn(...command('attach', 'disk'))
  const gone = new Promise((done) => child.once('close', done))
  child.stderr!.on('data', (said: Buffer) => {
    if (said.toString().includes('connecting')) child.kill('SIGKILL')
  })
  await gone
}

test('killed while it attaches, the command repeated finishes, and its bytes are read back', async () => {
  await killedAttach()
  const kept = JSON.parse(
    readFileSync(join(scratch, 'kept', `${id}@${encodeURIComponent(vm.ssh.at(-1)!)}.json`), 'utf8'),
  )
  expect(kept.device).toBeNull()
  const device = await hearth('attach', 'disk')
  expect(
    (await client.must('volume', 'GET', `/attachments?volume_id=${id}`, { version: '3.54' })).body.attachments,
  ).toHaveLength(1)
  expect(await vm.run(`mount -r ${device} /mnt && cat /mnt/file && umount /mnt`)).toBe('kept')
  await killedAttach()
  await hearth('detach', 'disk')
  expect(await statusOf()).toBe('available')
  expect(await sessions()).toBe('')
})

test('what cannot be is said with what to do next, and leaves nothing attached', async () => {
  await expect(hearth('attach', 'no-such-disk')).rejects.toThrow(
    'there is no volume no-such-disk; openstack volume list',
  )
  const connector = { initiator: 'iqn.1993-08.org.debian:01:other', host: 'other', ip: '10.9.9.9' }
  const json = { attachment: { volume_uuid: id, instance_uuid: null, connector } }
  const { body } = await client.must('volume', 'POST', '/attachments', { json, version: '3.54' })
  await expect(hearth('attach', 'disk')).rejects.toThrow(/block storage refused to attach the volume: .*status/)
  expect(await hearth('attach', '--list')).toBe('Nothing is attached by hearth attach.')
  await client.must('volume', 'DELETE', `/attachments/${body.attachment.id}`, { version: '3.54' })
  expect(await statusOf()).toBe('available')
})
