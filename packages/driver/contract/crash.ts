import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { openDriver, openRunner, quietLog, type VolumeDriver, type VolumeRef } from '../src/index.ts'
import { type ByteProbe, gib, mib, openProbe } from './bytes.ts'
import { patience } from './time.ts'

export interface CrashContract {
  name: string
  /** The driver as openDriver takes it; the backend must be empty and outlive the process. Needs `address`, `list`. */
  package: string
  options(): Promise<Record<string, unknown>>
  /** Arguments of ssh that lead to the host that owns the storage; this host when absent. */
  ssh?(): Promise<string[]>
  /** Processes to kill; 10 when absent. Eight and more meet every method. */
  kills?: number
  /** Methods to be killed in, in turn, where rounds are dear; all that the driver has when absent. */
  methods?: string[]
  /** Milliseconds for the whole; five minutes when absent. */
  timeoutMs?: number
}

/** Input of one worker process. */
export interface CrashTask {
  package: string
  options: Record<string, unknown>
  round: number
  ssh?: string[]
}

const base: VolumeRef = { id: 'base', name: 'volume-base', sizeGiB: 1 }
/** Bytes lie here too, so that copying takes a while where bytes are copied. */
const far = 512 * mib
const operations = ['create', 'clone', 'snapshot', 'createFromSnapshot', 'extend', 'revert', 'delete', 'deleteSnapshot']

/** Registers what must hold when the process that uses a volume driver is killed in the middle of anything. */
export function crashContract(contract: CrashContract): void {
  const { kills = 10, timeoutMs = patience.timeout } = contract
  describe(`crash contract: ${contract.name}`, () => {
    test(`${kills} kills lose nothing that was acknowledged and leave nothing half-made`, {
      timeout: timeoutMs,
    }, async () => {
      const options = await contract.options()
      const ssh = await contract.ssh?.()
      const run = openRunner({ log: quietLog, ...(ssh && { ssh }) })
      const deps = { run, remote: ssh !== undefined, log: quietLog }
      const reopen = () => openDriver('volume', contract.package, options, deps)
      const bytes = openProbe(ssh && run)
      let driver = await reopen()
      await driver.create(base)
      const at = await driver.address!(base)
      await bytes.write(at, 0, mib, 0x7b)
      await bytes.write(at, far, (ssh ? 4 : 16) * mib, 0x7b)
      await bytes.write(at, gib - mib, mib, 0x7b)
      const methods =
        contract.methods ?? operations.filter((operation) => driver[operation as keyof VolumeDriver] !== undefined)
      const usual = new Map<string, number>()
      for (let round = 0; round < kills; round += 1) {
        await driver.close?.()
        const task = { package: contract.package, options, round, ...(ssh && { ssh }) }
        const death = await workAndDie(task, methods[round % methods.length]!, usual)
        driver = await reopen()
        await checkAfterDeath({ driver, bytes, ...death })
      }
      await driver.delete(base)
      expect(await driver.list!()).toEqual({ volumes: [], snapshots: [] })
      await driver.close?.()
    })
  })
}

interface Death {
  /** Output of the worker. */
  lines: string[]
  /** Returns when the commands it had started have ended too. */
  orphans(): Promise<void>
}

/** Runs the worker, kills it during an operation of this kind or shortly after, and returns its output. */
async function workAndDie(task: CrashTask, operation: string, usual: Map<string, number>): Promise<Death> {
  const worker = join(import.meta.dirname, `crash-worker${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`)
  const argv = [worker, JSON.stringify(task)]
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  const lines: string[] = []
  const began = new Map<string, number>()
  let rest = ''
  const reached = new Promise<void>((resolve) => {
    child.stdout.on('data', (part: Buffer) => {
      const complete = (rest + part.toString()).split('\n')
      rest = complete.pop()!
      for (const line of complete) {
        lines.push(line)
        const [when, what] = line.split(' ') as [string, string]
        if (when === 'begin') began.set(what, performance.now())
        else usual.set(what, performance.now() - began.get(what)!)
        if (when === 'begin' && what === operation) resolve()
      }
    })
  })
  // Not `close`: the commands it had started may hold its output open.
  const ended = once(child, 'exit')
  await Promise.race([reached, ended])
  // A method takes a millisecond on one backend and seconds on another: the time of the others is the estimate.
  const expected = usual.get(operation) ?? Math.max(20, ...usual.values())
  await Promise.race([sleep(Math.random() * 1.1 * expected), ended])
  expect(child.exitCode).toBe(null)
  // A service manager kills the commands with the service; the kernel, out of memory, the process alone.
  process.kill(Math.random() < 0.5 ? child.pid! : -child.pid!, 'SIGKILL')
  await ended
  return { lines, orphans: () => groupEnd(child.pid!) }
}

async function groupEnd(group: number): Promise<void> {
  for (let left = true; left; ) {
    try {
      process.kill(-group, 0)
      await sleep(50)
    } catch {
      left = false
    }
  }
}

async function checkAfterDeath({ driver, bytes, lines, orphans }: Death & { driver: VolumeDriver; bytes: ByteProbe }) {
  const { volumes, snapshots } = await driver.list!()
  const there = new Set([...volumes, ...snapshots])
  const [when, , name] = lines.at(-1)!.split(' ') as [string, string, string]
  const unsure = when === 'begin' ? name : undefined
  const expected = new Map<string, boolean>()
  for (const line of lines) {
    const [when, operation, name] = line.split(' ')
    if (when === 'end') expected.set(name!, operation !== 'delete' && operation !== 'deleteSnapshot')
  }
  expected.set(base.name, true)
  if (unsure && unsure !== base.name) expected.delete(unsure)
  for (const [name, present] of expected) expect([name, there.has(name)]).toEqual([name, present])
  const strangers = [...there].filter((name) => !expected.has(name) && name !== unsure)
  expect(strangers).toEqual([])
  await checkBytes(
    driver,
    bytes,
    volumes.filter((name) => name !== unsure),
  )
  await orphans()
  // After the interrupted operation, the volume or snapshot is complete or absent.
  await checkBytes(
    driver,
    bytes,
    (await driver.list!()).volumes.filter((name) => name === unsure),
  )
  if (unsure?.startsWith('volume-clone')) await driver.clone({ id: 'x', name: unsure, sizeGiB: 1 }, base)
  if (unsure?.startsWith('volume-blank')) await driver.create({ id: 'x', name: unsure, sizeGiB: 1 })
  await clear(driver)
}

/** Whatever is there is whole: its size, and the base's bytes unless it is blank. */
async function checkBytes(driver: VolumeDriver, bytes: ByteProbe, names: string[]): Promise<void> {
  const addresses = []
  for (const name of names) addresses.push(await driver.address!({ id: name, name, sizeGiB: 1 }))
  const sizes = await bytes.sizes(addresses)
  const kept = await bytes.hasAll(
    addresses.flatMap((address, i) =>
      [0, far, gib - mib].map((offset) => {
        return { address, offset, length: mib, byte: names[i]!.includes('blank') ? 0 : 0x7b }
      }),
    ),
  )
  const whole = (i: number) => kept.slice(3 * i, 3 * i + 3).every(Boolean)
  const sound = names.map((name, i) => [name, sizes[i] === gib || sizes[i] === 2 * gib, whole(i)])
  expect(sound).toEqual(names.map((name) => [name, true, true]))
}

async function clear(driver: VolumeDriver): Promise<void> {
  const { volumes, snapshots } = await driver.list!()
  for (const name of volumes) if (name !== base.name) await driver.delete({ id: name, name, sizeGiB: 1 })
  for (const name of snapshots) await driver.deleteSnapshot({ id: name, name, volume: base })
}
