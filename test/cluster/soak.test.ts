import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { residentMiB } from '../attack/memory.ts'
import { type Client, login, until } from '../client.ts'
import { type Started, start } from '../start.ts'
import { type Load, openLoad } from '../trouble/load.ts'
import { expectQuotaEqualsRecount, type Inventory, inventory, settled } from './inventory.ts'

const seconds = Number(process.env.HEARTH_TEST_SOAK_SECONDS ?? 60)
const seed = Number(process.env.HEARTH_TEST_SEED ?? 20261128)
/** Memory and files are compared with those at this point, when caches and pools are filled. */
const warmSeconds = Math.min(600, seconds / 3)
const sampleSeconds = Math.max(5, seconds / 120)
const mostGrowthMiB = 100
const mostGrowthFiles = 50

let suite: Started | undefined
let load: Load | undefined
afterAll(async () => {
  await load?.close()
  await suite?.close()
})

interface Sample {
  second: number
  residentMiB: number
  files: number
  requests: number
}

function takeSample(begun: number): Sample {
  const second = Math.round((performance.now() - begun) / 1000)
  const files = readdirSync(`/proc/${suite!.pid}/fd`).length
  return { second, residentMiB: Math.round(residentMiB(suite!.pid)), files, requests: load!.requests() }
}

async function sampleUntil(signal: AbortSignal): Promise<Sample[]> {
  const begun = performance.now()
  const samples: Sample[] = []
  while (!signal.aborted) {
    await sleep(sampleSeconds * 1000, undefined, { signal }).catch(() => undefined)
    const sample = takeSample(begun)
    samples.push(sample)
    process.stdout.write(`${Object.values(sample).join('\t')}\n`)
  }
  return samples
}

/** The middle value, so that one garbage collection more or less does not count. */
function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

async function checkAll(client: Client): Promise<string[]> {
  const found: Inventory = await until(() => inventory(client), settled, 120)
  await expectQuotaEqualsRecount(client, found)
  const blocks = await Promise.all(load!.blocks.map((each) => each.check(client, found)))
  const objects = await Promise.all(load!.objects.map((each) => each.check()))
  return [...blocks, ...objects].flat()
}

test(`${seconds} s of mixed load with aborted requests end no process, lose nothing and leave memory and files flat`, {
  timeout: (seconds + 400) * 1000,
}, async () => {
  suite = await start({ config: { log: { level: 'warn' } } })
  load = openLoad(suite, { seed, objectClients: 12, blockClients: 6, abortFraction: 0.05 })
  const admin = await login(suite.urls, suite.admin)
  const demo = await login(suite.urls, suite.demo)
  const quota = { volumes: -1, gigabytes: -1, snapshots: -1, backups: -1, backup_gigabytes: -1 }
  await admin.must('volume', 'PUT', `/os-quota-sets/${demo.projectId}`, { json: { quota_set: quota } })
  await load.prepare()
  process.stdout.write('second\tRSS MiB\tfiles\trequests\n')
  const stop = AbortSignal.timeout(seconds * 1000)
  const [samples] = await Promise.all([sampleUntil(stop), load.run(stop)])
  const warm = samples.filter(({ second }) => second >= warmSeconds)
  const third = Math.ceil(warm.length / 3)
  const growth = (of: (sample: Sample) => number): number =>
    median(warm.slice(-third).map(of)) - median(warm.slice(0, third).map(of))
  expect(growth((sample) => sample.residentMiB)).toBeLessThan(mostGrowthMiB)
  expect(growth((sample) => sample.files)).toBeLessThan(mostGrowthFiles)
  for (const caller of load.callers) caller.abortFraction = 0
  await load.prepare()
  expect(await checkAll(await login(suite.urls, suite.demo))).toEqual([])
  const counts = load.callers.map((caller) => [...caller.counts.byStatus].filter(([status]) => status >= 500))
  expect(counts.flat()).toEqual([])
})
