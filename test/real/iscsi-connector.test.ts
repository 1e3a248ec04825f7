import { randomBytes } from 'node:crypto'
import {
  type ConnectionInfo,
  type ConnectorDriver,
  openDriver,
  openRunner,
  quietLog,
  type Runner,
} from '@hearth/driver'
import { connectorContract, openProbe } from '@hearth/driver/contract'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type IscsiLab, iscsi, startIscsiLab } from './iscsi-lab.ts'

const mib = 1024 ** 2
const gib = 1024 ** 3

let lab: IscsiLab
const run: Runner = (argv, options) => lab.run(argv, options)
beforeAll(async () => {
  lab = await startIscsiLab()
})
afterAll(() => lab?.close())

const openConnector = (log = quietLog, options: object = {}): Promise<ConnectorDriver> =>
  openDriver('connector', iscsi, { ...options }, { run: openRunner({ log, ssh: lab.vm.ssh }), remote: true, log })

async function sessions(): Promise<string[]> {
  const script =
    'cat /sys/class/iscsi_session/session*/targetname 2>/dev/null; find /etc/iscsi/nodes -type f 2>/dev/null'
  const { stdout } = await run(['sh', '-c', script], { allow: [0, 1] })
  return stdout.trim().split('\n').filter(Boolean)
}

connectorContract({
  name: 'iscsi by open-iscsi',
  open: openConnector,
  volume: (sizeBytes) => lab.offer(sizeBytes),
  run,
  abilities: { mount: true, heldOpen: true, extend: true },
  async wrongSecret() {
    const { connection } = await lab.offer(gib)
    return { ...connection, data: { ...connection.data, auth_password: randomBytes(8).toString('hex') } }
  },
  async unreachable() {
    const { connection } = await lab.offer(gib)
    return { ...connection, data: { ...connection.data, target_portal: '10.0.2.15:3999' } }
  },
  attached: sessions,
  concurrency: 4,
})

describe('a target that goes away', () => {
  test('fails a write with an error instead of hanging, and the volume can be let go', async () => {
    const connector = await openConnector(quietLog, { replacementTimeout: 2 })
    const volume = await lab.offer(gib)
    const { path } = await connector.attach(volume.connection)
    const write = 'dd if=/dev/zero of="$1" bs=1M count=512 oflag=direct; echo "ended with $?"'
    const writing = run(['sh', '-c', write, 'sh', path], { timeout: 120_000 })
    await lab.exporter.remove(volume.request.name)
    const { stdout, stderr } = await writing
    expect(stdout).toBe('ended with 1\n')
    expect(stderr).toContain('Input/output error')
    await expect(connector.detach(volume.connection)).rejects.toThrow('could not be flushed')
    await connector.detach(volume.connection)
    expect(await sessions()).toEqual([])
  })

  test('and comes back with the same name and credentials goes on where it was', async () => {
    const connector = await openConnector()
    const volume = await lab.offer(gib)
    const device = await connector.attach(volume.connection)
    await lab.exporter.remove(volume.request.name)
    const writing = openProbe(run).write({ filename: device.path, format: 'raw' }, 0, mib, 0x91)
    await lab.exporter.create(volume.request)
    await writing
    await connector.detach(volume.connection)
    expect(await openProbe(run).has(volume.address, 0, mib, 0x91)).toBe(true)
  })
})

test('two volumes on one target share its session, which ends with the last', async () => {
  const volume = await lab.offer(gib)
  const second = `/sys/kernel/config/target/iscsi/${volume.iqn}/tpgt_1/lun/lun_7`
  const store = '/sys/kernel/config/target/core/fileio_3/second'
  await lab.vm.run(
    `truncate -s 96M /srv/lab/second; mkdir -p ${store} ${second}; echo fd_dev_name=/srv/lab/second,fd_dev_size=100663296 > ${store}/control; echo 1 > ${store}/enable; ln -s ${store} ${second}/device`,
  )
  const other: ConnectionInfo = { ...volume.connection, data: { ...volume.connection.data, target_lun: 7 } }
  const connector = await openConnector()
  const [one, two] = [await connector.attach(volume.connection), await connector.attach(other)]
  const sizes = await openProbe(run).sizes([one, two].map(({ path }) => ({ filename: path, format: 'raw' as const })))
  expect(sizes).toEqual([gib, 96 * mib])
  expect((await sessions()).filter((line) => line === volume.iqn)).toEqual([volume.iqn])
  await connector.detach(volume.connection)
  expect(await openProbe(run).has({ filename: two.path, format: 'raw' }, 0, mib, 0)).toBe(true)
  await connector.detach(other)
  expect(await sessions()).toEqual([])
  await lab.vm.run(`rm ${second}/device; rmdir ${second} ${store}`)
})

test('a device that is swapped to, or that a loop device stands on, is busy and stays as it is', async () => {
  const connector = await openConnector()
  const { connection } = await lab.offer(64 * mib)
  const { path } = await connector.attach(connection)
  await lab.vm.run(`mkswap ${path} && swapon ${path}`)
  await expect(connector.detach(connection)).rejects.toThrow('it is swapped to')
  const loop = await lab.vm.run(`swapoff ${path} && losetup -f --show ${path}`)
  await expect(connector.detach(connection)).rejects.toThrow('a loop device stands on it')
  await lab.vm.run(`losetup -d ${loop}`)
  await connector.detach(connection)
  expect(await sessions()).toEqual([])
})

test('of several portals a single path takes the first that answers', async () => {
  const connector = await openConnector()
  const { connection, iqn } = await lab.offer(gib)
  const plural = {
    target_portals: ['10.0.2.15:3999', '10.0.2.15:3260'],
    target_iqns: [iqn, iqn],
    target_luns: [0, 0],
  }
  const several = { ...connection, data: { ...connection.data, ...plural } }
  const { path } = await connector.attach(several)
  expect(await openProbe(run).size({ filename: path, format: 'raw' })).toBe(gib)
  await connector.detach(several)
  expect(await sessions()).toEqual([])
})

test('this host names its initiator, its name and its address', async () => {
  expect(await (await openConnector()).properties()).toMatchObject({
    initiator: 'iqn.1993-08.org.debian:01:lab',
    host: 'lab',
    ip: '10.0.2.15',
    multipath: false,
  })
})
