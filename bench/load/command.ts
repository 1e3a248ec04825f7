import type { Command } from 'commander'
import { percentile } from '../boot-storm/result.ts'
import { positive } from '../boot-storm/whole-number.ts'
import { openSession } from '../cloud/session.ts'
import { cloudSettings, withCloudOptions } from '../cloud/settings.ts'
import { journeys } from './journeys.ts'

interface Flags {
  seconds: number
  concurrency: number
  size: number
  json: boolean
}

/** Adds the `load` command: workers that repeat one kind of request for some seconds. */
export function addLoad(program: Command): void {
  const list = Object.entries(journeys).map(([name, journey]) => `  ${name.padEnd(16)}${journey.about}`)
  const command = program
    .command('load <journey...>')
    .summary('repeat one kind of request for some seconds')
    .description('Repeats one kind of request by many workers for some seconds, and prints how fast they were.')
    .option('--seconds <n>', 'how long', positive, 10)
    .option('--concurrency <n>', 'workers', positive, 16)
    .option('--size <KiB>', 'size of each object or image', positive, 4)
    .option('--json', 'one line of JSON for each journey', false)
    .addHelpText('after', `\nJourneys:\n${list.join('\n')}`)
  withCloudOptions(command).action(async (names: string[], flags: Flags & Record<string, unknown>) => {
    for (const name of names) if (!(name in journeys)) throw new Error(`no journey ${name} (see bench load --help)`)
    for (const name of names) if (!(await run(name, flags))) process.exitCode = 1
  })
}

async function run(name: string, flags: Flags & Record<string, unknown>): Promise<boolean> {
  const session = await openSession(cloudSettings(flags), { connections: flags.concurrency, timeoutSeconds: 120 })
  const journey = await journeys[name]!.begin(session, flags.size * 1024)
  const times: number[] = []
  const failures: string[] = []
  const began = performance.now()
  const end = began + flags.seconds * 1000
  let next = 0
  const worker = async (): Promise<void> => {
    while (performance.now() < end) {
      const start = performance.now()
      await journey.step(next++).then(
        () => times.push((performance.now() - start) / 1000),
        (error: Error) => failures.push(error.message),
      )
    }
  }
  try {
    await Promise.all(Array.from({ length: flags.concurrency }, worker))
    const wall = (performance.now() - began) / 1000
    show(name, times, failures, wall, journey.bytesEach, flags.json)
  } finally {
    await journey.end()
    await session.close()
  }
  return failures.length === 0
}

function show(
  name: string,
  times: number[],
  failures: string[],
  wall: number,
  bytesEach: number,
  asJson: boolean,
): void {
  const round = (value: number): number => Math.round(value * 1000) / 1000
  const at = (percent: number): number => round(percentile(times, percent))
  const perSecond = round(times.length / wall)
  const result = {
    journey: name,
    ok: times.length,
    failed: failures.length,
    perSecond,
    mebibytesPerSecond: round((perSecond * bytesEach) / 1024 ** 2),
    p50: at(50),
    p95: at(95),
    p99: at(99),
    max: at(100),
    ...(failures.length > 0 ? { firstFailure: failures[0] } : {}),
  }
  if (asJson) process.stdout.write(`${JSON.stringify(result)}\n`)
  else
    process.stdout.write(
      `${Object.entries(result)
        .map(([key, value]) => `${key.padEnd(20)}${value}`)
        .join('\n')}\n\n`,
    )
}
