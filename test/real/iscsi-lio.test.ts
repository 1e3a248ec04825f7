import { randomUUID } from 'node:crypto'
import {
  type DriverLog,
  type ExportDriver,
  type ExportRequest,
  newChap,
  openDriver,
  openRunner,
  quietLog,
  type Runner,
} from '@hearth/driver'
import { exportContract, openProbe } from '@hearth/driver/contract'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LabVm, startLabVm } from '../lab/vm.ts'

const iscsi = '@hearth/driver-iscsi'
const mib = 1024 ** 2
const portals = ['10.0.2.15:3260', '10.0.2.15:3261']
const tree = '/sys/kernel/config/target'

let vm: LabVm
const run: Runner = (argv, options) => openRunner({ log: quietLog, ssh: vm.ssh })(argv, options)

beforeAll(async () => {
  vm = await startLabVm({ ports: [3260, 3261], disks: ['8G', '4G'] })
  await vm.run('mkdir -p /srv/lio')
})
afterAll(() => vm?.close())

let serial = 0
const newPaths = (count: number) => Array.from({ length: count }, () => `/srv/lio/device-${serial++}`)

async function newFiles(count: number): Promise<string[]> {
  const paths = newPaths(count)
  await run(['truncate', '-s', String(64 * mib), ...paths])
  return paths
}

/** Loop devices: each a block device of its own. */
async function newLoops(count: number): Promise<string[]> {
  const script = 'for file in "$@"; do losetup -f --show "$file" || exit; done'
  const { stdout } = await run(['sh', '-c', script, 'sh', ...(await newFiles(count))], { timeout: 120_000 })
  return stdout.trim().split('\n')
}

async function growLoop(path: string, sizeBytes: number): Promise<void> {
  const script = 'truncate -s "$2" "$(losetup -n -O BACK-FILE "$1")" && losetup -c "$1"'
  await run(['sh', '-c', script, 'sh', path, String(sizeBytes)])
}

const options = { target: 'lio', portals }
const openLio = (log: DriverLog = quietLog, more: object = {}) =>
  openDriver('export', iscsi, { ...options, ...more }, { run: openRunner({ log, ssh: vm.ssh }), remote: true, log })

let started: Promise<ExportDriver> | undefined
function startedLio(): Promise<ExportDriver> {
  started ??= openLio().then(async (driver) => {
    await driver.start()
    return driver
  })
  return started
}

const reach = (portal: string) => `127.0.0.1:${vm.forwarded[Number(portal.split(':').at(-1))]}`
const abilities = { network: true, resize: true, sessions: true, initiators: true, mutual: true }

exportContract({
  name: 'iscsi by the kernel target, files',
  open: openLio,
  reopen: () => openLio(),
  device: async () => (await newFiles(1))[0]!,
  grow: async (path, sizeBytes) => void (await run(['truncate', '-s', String(sizeBytes), path])),
  lose: async (path) => void (await run(['rm', path])),
  run,
  reach,
  abilities,
  concurrency: 100,
})

exportContract({
  name: 'iscsi by the kernel target, block devices',
  open: openLio,
  device: async () => (await newLoops(1))[0]!,
  devices: newLoops,
  grow: growLoop,
  run,
  reach,
  abilities: { network: true, resize: true, sessions: true, initiators: true, mutual: true },
  concurrency: 10,
  onlyDevices: true,
})

async function newRequest(path: string): Promise<ExportRequest> {
  return { name: `volume-${randomUUID()}`, path, sizeBytes: 64 * mib, blockSize: 512, chap: newChap() }
}

test('targets and devices of others are neither listed nor touched', async () => {
  const foreign = `${tree}/iscsi/iqn.2003-01.org.example:theirs/tpgt_1`
  const device = `${tree}/core/fileio_0/theirs`
  await vm.run(`mkdir -p ${foreign}/lun/lun_0 ${device}`)
  const driver = await startedLio()
  const request = await newRequest((await newFiles(1))[0]!)
  await driver.create(request)
  expect(await driver.list()).toEqual([request.name])
  await driver.remove(request.name)
  expect(await driver.list()).toEqual([])
  await vm.run(`rmdir ${foreign}/lun/lun_0 ${foreign} ${foreign.replace('/tpgt_1', '')} ${device}`)
})

test('a target that an interrupted process left half-made, at whatever step, is completed or removed', async () => {
  const driver = await startedLio()
  const request = await newRequest((await newLoops(1))[0]!)
  const { iqn } = await driver.create(request)
  const adapter = (await vm.run(`cd ${tree}/core; ls -d iblock_*/${request.name}`)).trim()
  const group = `${tree}/iscsi/${iqn}/tpgt_1`
  const [off, unlink] = [`echo 0 > ${group}/enable`, `rm ${group}/lun/lun_0/device`]
  const empty = `${off}; ${unlink}; rmdir ${group}/lun/lun_0 ${group}/np/* ${group} ${tree}/iscsi/${iqn}`
  const damages = [
    `${off}; rmdir ${group}/np/*`,
    `${off}; ${unlink}; rmdir ${tree}/core/${adapter}`,
    `${empty}; mkdir ${tree}/iscsi/${iqn}`,
    `${empty}; rmdir ${tree}/core/${adapter}; mkdir ${tree}/core/${adapter}`,
  ]
  const bytes = openProbe()
  for (const damage of damages) {
    await vm.run(damage)
    expect(await driver.list()).toEqual([request.name])
    const exported = await driver.create(request)
    const filename = `iscsi://${request.chap!.username}%${request.chap!.password}@${reach(portals[0]!)}/${exported.iqn}/0`
    expect(await bytes.size({ filename, format: 'raw' })).toBe(64 * mib)
    await vm.run(damage)
    await driver.remove(request.name)
    expect(await driver.list()).toEqual([])
    await driver.create(request)
  }
  await driver.remove(request.name)
})

test('a portal that another program has, or that is no address of the host, is named at start', async () => {
  const listen = `import socket,sys,time; s=socket.socket(); s.bind(("0.0.0.0",3999)); s.listen(); print(1,flush=True); time.sleep(60)`
  const pid = await vm.run(
    `python3 -c '${listen}' > /tmp/listening 2>&1 & echo $!; until grep -q 1 /tmp/listening; do sleep 0.1; done`,
  )
  const taken = await openLio(quietLog, { portals: ['10.0.2.15:3999'] })
  await expect(taken.start()).rejects.toThrow('iSCSI cannot listen on 10.0.2.15:3999')
  await vm.run(`kill ${pid.trim()}`)
  const strange = await openLio(quietLog, { portals: ['192.0.2.7:3260'] })
  await expect(strange.start()).rejects.toThrow('192.0.2.7 is not an address of this host')
  expect((await vm.run(`ls ${tree}/iscsi | grep iqn || true`)).trim()).toBe('')
})

test('a device that another user holds exclusively is busy, and nothing is left', async () => {
  const driver = await startedLio()
  const [path] = await newLoops(1)
  await vm.run(
    `mkfs.xfs -q -f ${path} -d size=64m 2>/dev/null || mkfs.ext4 -q ${path}; mkdir -p /tmp/held; mount ${path} /tmp/held`,
  )
  const request = await newRequest(path!)
  await expect(driver.create(request)).rejects.toMatchObject({ kind: 'busy' })
  expect(await driver.list()).toEqual([])
  await vm.run('umount /tmp/held')
})

test('an initiator’s discard frees the blocks of the file', async () => {
  const driver = await startedLio()
  const [path] = await newFiles(1)
  const request = await newRequest(path!)
  const { iqn } = await driver.create(request)
  const url = `iscsi://${request.chap!.username}%${request.chap!.password}@${reach(portals[0]!)}/${iqn}/0`
  const qemu = (...commands: string[]) =>
    openRunner({ log: quietLog })([
      'qemu-io',
      '-f',
      'raw',
      '-d',
      'unmap',
      url,
      ...commands.flatMap((one) => ['-c', one]),
    ])
  const blocks = async () => Number(await vm.run(`sync; stat -c %b ${path}`))
  await qemu('write -P 7 0 32M', 'flush')
  const before = await blocks()
  expect(before).toBeGreaterThan(60_000)
  await qemu('discard 0 32M', 'flush')
  expect(await blocks()).toBeLessThan(before / 10)
  await driver.remove(request.name)
})
