import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type DriverDeps,
  type ExportRequest,
  quietLog as log,
  openDriver,
  openRunner,
  type Runner,
} from '@hearth/driver'
import { freePort } from '@hearth/test/lab/daemon.ts'
import { type LabVm, startLabVm } from '@hearth/test/lab/vm.ts'
import { rtslibEach, rtslibOnce, targetcliEach } from './peers.ts'

export interface ExportsResult {
  way: string
  where: string
  /** Seconds for all exports. */
  create: number
  remove: number
  /** Processes started for all exports, on the host that offers them. */
  processes: number
  /** How many were made to estimate all; null when all were made. */
  sampled: number | null
}

const iscsi = '@hearth/driver-iscsi'
const mib = 1024 ** 2

/** Measures every way to make exports and passes each row to `report` as soon as it is measured. */
export async function measureExports(
  { count, samples }: { count: number; samples: number },
  report: (result: ExportsResult) => void,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'be-'))
  try {
    const device = join(folder, 'device')
    await writeFile(device, '')
    await truncate(device, 64 * mib)
    for (const control of ['socket', 'tgtadm']) {
      const options = { runFolder: join(folder, control), control, portals: [`127.0.0.1:${await freePort()}`] }
      const measured = await measureDriver({ options, ssh: null, device, count })
      report({ way: `this suite, tgt by ${control}`, where: 'this host', ...measured, sampled: null })
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  const vm = await startLabVm()
  try {
    await measureKernelTarget(vm, { count, samples }, report)
  } finally {
    await vm.close()
  }
}

async function measureKernelTarget(
  vm: LabVm,
  { count, samples }: { count: number; samples: number },
  report: (result: ExportsResult) => void,
): Promise<void> {
  const device = '/srv/device'
  await vm.run(`truncate -s ${64 * mib} ${device}; mkdir -p /etc/target`)
  const where = 'virtual machine'
  const options = { target: 'lio', portals: ['10.0.2.15:3260'] }
  const measured = await measureDriver({ options, ssh: vm.ssh, device, count })
  report({ way: 'this suite, kernel target by configfs', where, ...measured, sampled: null })
  const once = await rtslibOnce(vm, device, count)
  report({ way: 'rtslib, all in one process', where, ...once, processes: 1, sampled: null })
  for (const [way, measure, each] of [
    ['rtslib, a process for each deed, as Cinder does', rtslibEach, 2],
    ['targetcli, a process for each command', targetcliEach, 7],
  ] as const) {
    const { create, remove } = await measure(vm, device, samples)
    const scale = count / samples
    report({ way, where, create: create * scale, remove: remove * scale, processes: each * count, sampled: samples })
  }
}

interface Measurement {
  options: Record<string, unknown>
  ssh: string[] | null
  device: string
  count: number
}

/** All at once, as a volume service is asked for them. */
async function measureDriver({ options, ssh, device, count }: Measurement) {
  let processes = 0
  const plain = openRunner({ log, ...(ssh && { ssh }) })
  const run: Runner = (argv, more) => {
    processes += 1
    return plain(argv, more)
  }
  const deps: DriverDeps = { run, log, remote: ssh !== null }
  const driver = await openDriver('export', iscsi, options, deps)
  await driver.start()
  processes = 0
  const requests = Array.from({ length: count }, (_, i): ExportRequest => {
    const chap = { username: `user${i}`, password: `password-${i}-long` }
    return { name: `volume-${i}`, path: device, sizeBytes: 64 * mib, blockSize: 512, chap }
  })
  const create = await secondsOf(() => Promise.all(requests.map((request) => driver.create(request))))
  const remove = await secondsOf(() => Promise.all(requests.map(({ name }) => driver.remove(name))))
  await driver.close()
  return { create, remove, processes }
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}
