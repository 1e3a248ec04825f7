import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, open, readFile, rm, stat, truncate } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type DriverLog,
  type ExportDriver,
  type Exported,
  newChap,
  openDriver,
  openRunner,
  quietLog,
} from '@hearth/driver'
import { exportContract } from '@hearth/driver/contract'
import { afterAll, expect, test } from 'vitest'
import { freePort } from '../lab/daemon.ts'

const run = openRunner({ log: quietLog })
const iscsi = '@hearth/driver-iscsi'
const mib = 1024 ** 2

const scratch = await mkdtemp(join(tmpdir(), 'hi-'))
const opened: ExportDriver[] = []
const children: ChildProcess[] = []
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  for (const driver of opened) {
    for (const name of await driver.list().catch(() => [])) await driver.remove(name)
    await driver.close()
  }
  await rm(scratch, { recursive: true, force: true })
})

let serial = 0
const newRunFolder = () => join(scratch, `run${serial++}`)

async function newDevice(): Promise<string> {
  const path = join(scratch, `device-${serial++}`)
  await (await open(path, 'w')).close()
  await truncate(path, 64 * mib)
  return path
}

async function openExport(options: Record<string, unknown> = {}, log: DriverLog = quietLog): Promise<ExportDriver> {
  const portals = [`127.0.0.1:${await freePort()}`]
  const deps = { run: openRunner({ log }), log }
  const driver = await openDriver('export', iscsi, { runFolder: newRunFolder(), portals, ...options }, deps)
  opened.push(driver)
  return driver
}

async function newRequest(path: string) {
  return { name: `volume-${randomUUID()}`, path, sizeBytes: 64 * mib, blockSize: 512, chap: newChap() }
}

const urlOf = ({ portals, iqn, lun, chap }: Exported) =>
  `iscsi://${chap?.username}%${chap?.password}@${portals[0]}/${iqn}/${lun}`

function hold(exported: Exported, milliseconds: number): Promise<unknown> {
  const child = spawn('qemu-io', ['-f', 'raw', '-r', urlOf(exported), '-c', `sleep ${milliseconds}`])
  children.push(child)
  return once(child, 'exit')
}

async function until(check: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await check()); waited += 20) {
    if (waited > 10_000) throw new Error('it did not happen in ten seconds')
    await sleep(20)
  }
}

for (const control of ['socket', 'tgtadm']) {
  exportContract({
    name: `iscsi by tgt, control by ${control}`,
    open: (log) => openExport({ control }, log),
    device: newDevice,
    grow: truncate,
    lose: rm,
    abilities: { network: true, resize: true, sessions: true, initiators: true },
    concurrency: control === 'socket' ? 100 : 20,
  })
}

test('200 exports with CHAP are made well within two seconds', async () => {
  const driver = await openExport()
  await driver.start()
  const path = await newDevice()
  const requests = await Promise.all(Array.from({ length: 200 }, () => newRequest(path)))
  const began = performance.now()
  await Promise.all(requests.map((request) => driver.create(request)))
  const made = performance.now()
  await Promise.all(requests.map(({ name }) => driver.remove(name)))
  const removed = performance.now()
  console.info(`200 exports made in ${Math.round(made - began)} ms, removed in ${Math.round(removed - made)} ms`)
  expect(made - began).toBeLessThan(2000)
})

test('exports and sessions outlive a killed owner, and the next one takes them over', async () => {
  const options = { runFolder: newRunFolder(), portals: [`127.0.0.1:${await freePort()}`] }
  const request = await newRequest(await newDevice())
  const owner = `
    import { openDriver, openRunner } from '@hearth/driver'
    const log = { debug() {}, info() {}, warn() {}, error() {} }
    const deps = { run: openRunner({ log }), log }
    const driver = await openDriver('export', '${iscsi}', ${JSON.stringify(options)}, deps)
    await driver.start()
    console.log(JSON.stringify(await driver.create(${JSON.stringify(request)})))
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', owner], { cwd: import.meta.dirname })
  children.push(child)
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const exported = JSON.parse(line.toString()) as Exported
  const held = hold(exported, 2500)
  const next = await openExport(options)
  await next.start()
  await until(async () => (await next.sessions!()).length === 1)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await next.list()).toEqual([request.name])
  expect(await next.sessions!()).toEqual([request.name])
  expect(await next.create(request)).toEqual(exported)
  await next.close()
  expect(await held).toEqual([0, null])
  const { stdout } = await run([
    'qemu-io',
    '-f',
    'raw',
    urlOf(exported),
    '-c',
    'write -P 5 0 1M',
    '-c',
    'read -P 5 0 1M',
  ])
  expect(stdout).not.toContain('verification failed')
  await next.close()
  await expect(next.list()).rejects.toMatchObject({ kind: 'unavailable' })
})

test('a target server that dies is started again with its targets', async () => {
  const runFolder = newRunFolder()
  const driver = await openExport({ runFolder })
  await driver.start()
  const exported = await driver.create(await newRequest(await newDevice()))
  process.kill(Number(await readFile(join(runFolder, 'tgtd.pid'), 'utf8')), 'SIGKILL')
  const login = () => run(['iscsi-inq', urlOf(exported)], { allow: [0, 1, 2, 10, 255] })
  expect((await login()).exitCode).not.toBe(0)
  await until(async () => (await login()).exitCode === 0)
})

test('a port that another program has is named', async () => {
  const squatter = createServer().listen(0, '127.0.0.1')
  await once(squatter, 'listening')
  const { port } = squatter.address() as AddressInfo
  const driver = await openExport({ portals: [`127.0.0.1:${port}`] })
  await expect(driver.start()).rejects.toThrow(`127.0.0.1:${port}: port ${port} is in use by another program`)
  squatter.close()
})

test('an address this host does not have is named', async () => {
  const driver = await openExport({ portals: ['192.0.2.1:3260'] })
  await expect(driver.start()).rejects.toThrow('192.0.2.1 is not an address of this host')
})

test('a missing device, hostile names and parameters that say more are refused', async () => {
  const driver = await openExport()
  await driver.start()
  const request = await newRequest(await newDevice())
  await expect(driver.create({ ...request, path: '/no/such' })).rejects.toMatchObject({ kind: 'not-found' })
  const invalid = { kind: 'invalid' }
  await expect(driver.create({ ...request, path: '/dev/zero,bstype=null' })).rejects.toMatchObject(invalid)
  await expect(driver.create({ ...request, name: 'a,b' })).rejects.toMatchObject(invalid)
  const chap = { username: 'u', password: 'p,user=x' }
  await expect(driver.create({ ...request, chap })).rejects.toMatchObject(invalid)
  expect(await driver.list()).toEqual([])
})

test('two volumes cannot share a CHAP name, for tgtd would mix their passwords', async () => {
  const driver = await openExport()
  await driver.start()
  const [mine, yours] = [await newRequest(await newDevice()), await newRequest(await newDevice())]
  await driver.create(mine)
  const stolen = { username: mine.chap.username, password: yours.chap.password }
  await expect(driver.create({ ...yours, chap: stolen })).rejects.toMatchObject({ kind: 'invalid' })
  expect(await driver.list()).toEqual([mine.name])
})

test('a new size shows at once without a session; with one it shows when that has ended', async () => {
  const driver = await openExport()
  await driver.start()
  const request = await newRequest(await newDevice())
  const exported = await driver.create(request)
  const sizeOf = async () =>
    (await run(['iscsi-readcapacity16', urlOf(exported)])).stdout.match(/Total size:(\d+)/)?.[1]
  await truncate(request.path, 96 * mib)
  await driver.resize!(request.name, 96 * mib)
  expect(await sizeOf()).toBe(String(96 * mib))
  const held = hold(exported, 1000)
  await until(async () => (await driver.sessions!()).length === 1)
  await truncate(request.path, 128 * mib)
  await driver.resize!(request.name, 128 * mib)
  expect(await sizeOf()).toBe(String(96 * mib))
  await held
  await until(async () => (await sizeOf()) === String(128 * mib))
})

test('a discard by the initiator frees the device’s blocks', async () => {
  const driver = await openExport()
  await driver.start()
  const request = await newRequest(await newDevice())
  const url = urlOf(await driver.create(request))
  await run(['qemu-io', '-f', 'raw', '-d', 'unmap', url, '-c', 'write -P 7 0 32M', '-c', 'flush'])
  const before = (await stat(request.path)).blocks
  await run(['qemu-io', '-f', 'raw', '-d', 'unmap', url, '-c', 'discard 0 32M', '-c', 'flush'])
  expect((await stat(request.path)).blocks).toBeLessThan(before / 10)
  expect((await readFile(request.path)).subarray(0, mib).every((byte) => byte === 0)).toBe(true)
})

test('a run folder too deep for a socket is refused by name', async () => {
  await expect(openExport({ runFolder: join(scratch, 'x'.repeat(100)) })).rejects.toThrow('is too long for a socket')
})
