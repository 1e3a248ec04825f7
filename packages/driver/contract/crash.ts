import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { openDriver, type VolumeDriver, type VolumeRef } from '../src/index.ts'
import { hasBytes, hostRunner, quietLog, sizeOfAddress, writeBytes } from './bytes.ts'

export interface CrashContract {
  name: string
  /** The driver as openDriver takes it; the backend must be empty and outlive the process. Needs `address`, `list`. */
  package: string
  options(): Promise<Record<string, unknown>>
  /** Processes to kill; 10 when absent. */
  kills?: number
}

const gib = 1024 ** 3
const mib = 1024 ** 2
const base: VolumeRef = { id: 'base', name: 'volume-base', sizeGiB: 1 }

/** Registers what must hold when the process that uses a volume driver is killed in the middle of anything. */
export function crashContract(contract: CrashContract): void {
  const { kills = 10 } = contract
  describe(`crash contract: ${contract.name}`, () => {
    test(`${kills} kills lose nothing that was acknowledged and leave nothing half-made`, {
      timeout: 120_000,
    }, async () => {
      const options = await contract.options()
      const reopen = () => openDriver('volume', contract.package, options, { run: hostRunner, log: quietLog })
      const driver = await reopen()
      await driver.create(base)
      await writeBytes(await driver.address!(base), 0, mib, 0x7b)
      for (let round = 0; round < kills; round += 1) {
        const lines = await workAndDie({ package: contract.package, options, round })
        const next = await reopen()
        await checkAfterDeath(next, lines)
      }
      await driver.delete(base)
      expect(await driver.list!()).toEqual({ volumes: [], snapshots: [] })
      await driver.close?.()
    })
  })
}

/** Runs the worker for a moment, kills it and answers what it told. */
async function workAndDie(task: {
  package: string
  options: Record<string, unknown>
  round: number
}): Promise<string[]> {
  const worker = join(import.meta.dirname, `crash-worker${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`)
  const child = spawn(process.execPath, [worker, JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let told = ''
  child.stdout.on('data', (part: Buffer) => {
    told += part.toString()
  })
  const ended = once(child, 'close')
  await Promise.race([once(child.stdout, 'data'), ended])
  await sleep(Math.random() * 150)
  child.kill('SIGKILL')
  await ended
  expect(told).not.toBe('')
  return told.split('\n').filter(Boolean)
}

async function checkAfterDeath(driver: VolumeDriver, lines: string[]): Promise<void> {
  const { volumes, snapshots } = await driver.list!()
  const there = new Set([...volumes, ...snapshots])
  const last = lines.at(-1)!.split(' ')
  const unsure = last[0] === 'begin' ? last[2] : undefined
  const expected = new Map<string, boolean>()
  for (const line of lines) {
    const [when, deed, name] = line.split(' ')
    if (when === 'end') expected.set(name!, deed !== 'delete' && deed !== 'deleteSnapshot')
  }
  expected.set(base.name, true)
  if (unsure && unsure !== base.name) expected.delete(unsure)
  for (const [name, present] of expected) expect([name, there.has(name)]).toEqual([name, present])
  const strangers = [...there].filter((name) => !expected.has(name) && name !== unsure)
  expect(strangers).toEqual([])
  await checkBytes(driver, volumes)
  if (unsure?.startsWith('volume-clone')) await driver.clone({ id: 'x', name: unsure, sizeGiB: 1 }, base)
  if (unsure?.startsWith('volume-blank')) await driver.create({ id: 'x', name: unsure, sizeGiB: 1 })
  await clear(driver)
}

/** Whatever is there is whole: its size, and the base's bytes unless it is blank. */
async function checkBytes(driver: VolumeDriver, names: string[]): Promise<void> {
  for (const name of names) {
    const address = await driver.address!({ id: name, name, sizeGiB: 1 })
    const size = await sizeOfAddress(address)
    expect([gib, 2 * gib]).toContain(size)
    expect([name, await hasBytes(address, 0, mib, name.includes('blank') ? 0 : 0x7b)]).toEqual([name, true])
  }
}

async function clear(driver: VolumeDriver): Promise<void> {
  const { volumes, snapshots } = await driver.list!()
  for (const name of snapshots) await driver.deleteSnapshot({ id: name, name, volume: base })
  for (const name of volumes) if (name !== base.name) await driver.delete({ id: name, name, sizeGiB: 1 })
}
