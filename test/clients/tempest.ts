import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { start } from '../start.ts'
import { cloudOf } from './tempest/cloud.ts'
import { runTempest, sets } from './tempest/run.ts'
import type { TestResult } from './tempest/subunit.ts'

const usage = `npm run test:tempest -- volume|image|object|identity [regex] [options]

Runs Debian's Tempest against the suite that the OS_* variables lead to, and prints the failures and
"N passed, N failed, N skipped". Exit code 1 when a test failed (with --expect: an expected one).

  --start              start a suite for this run, and stop it afterwards
  --concurrency <n>    workers (default 2)
  --expect <file>      names of tests, a line each, that must pass; "real" stands for those
                       that the original services pass (test/clients/tempest/real-passes-<set>.txt)
  --durations          print the slowest tests as well
`

/** What the real services are configured with for Tempest: locations by URL, a cache, downloads from a server of the test. */
const imageLimits = {
  showMultipleLocations: true,
  webLocations: true,
  imageCache: true,
  uriFilter: { allowedPorts: [], allowedNetworks: ['127.0.0.0/8'] },
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      start: { type: 'boolean', default: false },
      concurrency: { type: 'string', default: '2' },
      expect: { type: 'string' },
      durations: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const [set, regex = null] = positionals
  if (values.help || set === undefined || !(set in sets)) {
    process.stderr.write(usage)
    return values.help ? 0 : 2
  }
  const suite = values.start ? await start({ config: { image: { limits: imageLimits } } }) : null
  const stop = async (): Promise<void> => suite?.close()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void stop().then(() => process.exit(130)))
  const results: TestResult[] = []
  try {
    const cloud = cloudOf(suite?.env ?? process.env)
    const folder = join(import.meta.dirname, '..', '..', '.tempest', set)
    await runTempest(cloud, {
      set,
      regex,
      imageCache: values.start,
      concurrency: Number(values.concurrency),
      folder,
      ended(result) {
        results.push(result)
        clear()
        if (result.outcome === 'failed') process.stdout.write(`FAILED ${plain(result.id)}\n       ${result.reason}\n`)
        if (process.stderr.isTTY) process.stderr.write(tally(results))
      },
    })
  } finally {
    clear()
    await stop()
  }
  return report(results, set, regex, values)
}

/** Takes the running tally off the terminal's line. */
function clear(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
}

function report(
  results: TestResult[],
  set: string,
  regex: string | null,
  values: { expect?: string; durations?: boolean },
): number {
  const failed = results.filter((result) => result.outcome === 'failed')
  if (values.durations)
    for (const { id, seconds } of results.toSorted((a, b) => b.seconds - a.seconds).slice(0, 20))
      process.stdout.write(`${seconds.toFixed(1).padStart(7)} s  ${plain(id)}\n`)
  const missed = values.expect === undefined ? null : missedOf(results, expected(values.expect, set), regex)
  for (const name of missed ?? []) process.stdout.write(`EXPECTED TO PASS ${name}\n`)
  process.stdout.write(`${tally(results)}\n`)
  return (missed ?? failed).length > 0 ? 1 : 0
}

/** Test names without the attributes in brackets. */
const plain = (id: string): string => id.replace(/\[.*\]$/, '')

function expected(file: string, set: string): string[] {
  const path = file === 'real' ? join(import.meta.dirname, 'tempest', `real-passes-${set}.txt`) : file
  return readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => plain(line.trim()))
    .filter((line) => line !== '' && !line.startsWith('#'))
}

function missedOf(results: TestResult[], names: string[], regex: string | null): string[] {
  const passed = new Set(results.filter((result) => result.outcome === 'passed').map((result) => plain(result.id)))
  const wanted = regex === null ? names : names.filter((name) => new RegExp(regex).test(name))
  return wanted.filter((name) => !passed.has(name))
}

function tally(results: TestResult[]): string {
  const count = (outcome: TestResult['outcome']): number =>
    results.filter((result) => result.outcome === outcome).length
  return `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 2
}
