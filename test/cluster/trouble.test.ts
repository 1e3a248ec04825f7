import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Client, login, until } from '../client.ts'
import { removeDataFolder, type Started, start } from '../start.ts'
import { type Disks, openDisks } from '../trouble/disks.ts'
import { type Load, openLoad } from '../trouble/load.ts'
import {
  expectNoOrphans,
  expectQuotaEqualsRecount,
  glanceAccount,
  type Inventory,
  inventory,
  settled,
} from './inventory.ts'

const kills = Number(process.env.HEARTH_TEST_KILLS ?? 12)
const seed = Number(process.env.HEARTH_TEST_SEED ?? 20261128)
/** A thorough look at everything after so many kills; a quick one after each. */
const thoroughEvery = 6
const diskMegabytes = 600
const restSeconds = 180
/** What a crash left of an upload is removed by a sweep that tries again every few seconds. */
const orphanSeconds = 60
const secondsPerKill = 40

let disks: Disks | undefined
let suite: Started | undefined
let load: Load | undefined

beforeAll(async () => {
  disks = await openDisks(4, diskMegabytes)
})

afterAll(async () => {
  await load?.close()
  await suite?.close()
  if (suite) await removeDataFolder(suite.dataFolder)
  await disks?.close()
})

/** Starts the suite with its clock off by some seconds. */
async function startSuite(clockOffsetSeconds: number, dataFolder?: string): Promise<Started> {
  const devices = disks!.disks.map(({ path }, index) => ({ path: `${path}/device`, zone: index + 1 }))
  const stores = { swift: { driver: '@hearth/driver-swift' } }
  const config = { log: { level: 'warn' }, object: { devices }, image: { stores } }
  const env = {
    LD_PRELOAD: '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
    FAKETIME: `${clockOffsetSeconds < 0 ? '' : '+'}${clockOffsetSeconds}`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
  return start({ config, env, ...(dataFolder ? { dataFolder } : {}) })
}

/** Freezes one disk now and then, until the signal. */
async function freezeNowAndThen(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await disks!.disks[0]!.freeze(300 + load!.random.below(1700))
    await new Promise((done) => setTimeout(done, 500))
  }
}

async function runUntilKilled(milliseconds: number, freezes: boolean): Promise<number> {
  const stop = new AbortController()
  const before = load!.requests()
  const begun = performance.now()
  const running = load!.run(stop.signal)
  const freezing = freezes ? freezeNowAndThen(stop.signal) : Promise.resolve()
  await new Promise((done) => setTimeout(done, milliseconds))
  const killed = suite!.kill9()
  const rate = (load!.requests() - before) / ((performance.now() - begun) / 1000)
  stop.abort()
  await Promise.all([killed, running, freezing])
  return rate
}

/** The end of what the suite printed and logged. */
function outputOf({ dataFolder }: Started): string {
  const files = ['out-up.txt', 'log/hearth.log'].map((name) => join(dataFolder, name))
  return files.map((file) => (existsSync(file) ? readFileSync(file, 'utf8').slice(-3000) : '')).join('\n')
}

async function checkAll(client: Client): Promise<string[]> {
  const found: Inventory = await until(() => inventory(client), settled, restSeconds)
  const wrong: string[] = []
  for (const blocks of load!.blocks) wrong.push(...(await blocks.check(client, found)))
  await expectQuotaEqualsRecount(client, found)
  const glance = await login(suite!.urls, glanceAccount(suite!))
  const orphans = { timeout: orphanSeconds * 1000, interval: 1000 }
  await vi.waitFor(() => expectNoOrphans(client, glance, suite!.dataFolder, found), orphans)
  for (const objects of load!.objects) wrong.push(...(await objects.check()))
  return wrong
}

async function killAgainAndAgain(): Promise<void> {
  suite = await startSuite(0)
  const { dataFolder } = suite
  load = openLoad(suite, { seed, objectClients: 12, blockClients: 4 })
  const admin = await login(suite.urls, suite.admin)
  const demo = await login(suite.urls, suite.demo)
  const quota = { volumes: -1, gigabytes: -1, snapshots: -1, backups: -1, backup_gigabytes: -1 }
  await admin.must('volume', 'PUT', `/os-quota-sets/${demo.projectId}`, { json: { quota_set: quota } })
  await load.prepare()
  const rates: number[] = []
  for (let kill = 1; kill <= kills; kill++) {
    const full = load.random.next() < 0.3
    if (full) await disks!.disks[1]!.fill()
    rates.push(await runUntilKilled(200 + load.random.below(5000), load.random.next() < 0.4))
    if (full && load.random.next() < 0.5) disks!.disks[1]!.empty()
    suite = await startSuite(load.random.pick([0, 0, 3600, -3600]), dataFolder)
    disks!.disks[1]!.empty()
    await load.prepare()
    if (kill % thoroughEvery !== 0 && kill !== kills) continue
    const wrong = await checkAll(await login(suite.urls, suite.demo))
    const rate = rates.reduce((sum, each) => sum + each, 0) / rates.length
    const shown = [
      `kill ${kill}`,
      `${load.requests()} requests`,
      `${rate.toFixed(0)} a second`,
      `${wrong.length} wrong`,
    ]
    process.stdout.write(`${shown.join(', ')}\n`)
    expect(wrong).toEqual([])
  }
}

test(`${kills} kills under load, with a disk that freezes, a full one and a clock that jumps: nothing acknowledged is lost`, {
  timeout: kills * secondsPerKill * 1000 + 300_000,
}, async () => {
  await killAgainAndAgain().catch((error: Error) => {
    throw new Error(`${error.stack}\n${suite ? outputOf(suite) : ''}`, { cause: error })
  })
})
