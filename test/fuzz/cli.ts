import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { besiege } from '../attack/hostile-connections.ts'
import { start } from '../start.ts'
import { type Outcome, runTarget } from './run-target.ts'
import { suiteTargets, targets } from './targets.ts'

const usage = `npm run fuzz -- TARGET… [--seconds N] [--seed S] [--jobs N] [--out FOLDER] [--replay FILE]

Targets: ${Object.keys(targets).join(', ')};
         all of them: all; hostile connections to a running suite: connections
--seconds  how long each target runs; default 60
--seed     where drawing begins; default: another one each time
--jobs     how many targets run at once; default 2
--out      folder for failing cases; default hearth-fuzz in the folder for temporary files
--replay   runs the case of this file once, in place of new ones
`

process.exitCode = await main()

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      jobs: { type: 'string', default: '2' },
      out: { type: 'string', default: join(tmpdir(), 'hearth-fuzz') },
      replay: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  const [seconds, seed, jobs] = [values.seconds, values.seed, values.jobs].map(Number) as [number, number, number]
  if (positionals.join() === 'connections') return underSiege(seconds)
  const names = positionals.join() === 'all' ? Object.keys(targets) : positionals
  const unknown = names.filter((name) => !Object.hasOwn(targets, name))
  if (values.help || names.length === 0 || unknown.length > 0 || !(seconds > 0) || !(jobs > 0) || Number.isNaN(seed)) {
    process.stderr.write(unknown.length > 0 ? `No such target: ${unknown.join(', ')}.\n${usage}` : usage)
    return 2
  }
  const suite = names.some((name) => suiteTargets.includes(name)) ? await start() : null
  try {
    const left = [...names]
    let findings = 0
    const worker = async (): Promise<void> => {
      for (let name = left.shift(); name !== undefined; name = left.shift()) {
        const place = suiteTargets.includes(name) ? suite : null
        const outcome = await runTarget({ name, place, seconds, seed, out: values.out, replay: values.replay ?? null })
        findings += outcome.findings.length
        tell(name, seed, outcome)
      }
    }
    await Promise.all(Array.from({ length: jobs }, worker))
    return findings > 0 ? 1 : 0
  } finally {
    await suite?.close()
  }
}

/** A suite of its own under 1,500 hostile connections; prints what was measured. */
async function underSiege(seconds: number): Promise<number> {
  const suite = await start()
  try {
    const { report, grewMiB, files, health, answers } = await besiege(suite, { connections: 1500, seconds })
    process.stdout.write(`${JSON.stringify({ report, grewMiB, files, health, answers }, null, 1)}\n`)
    const holds = grewMiB < 200 && files.after <= files.before + 10 && answers.late === 0
    process.stdout.write(holds ? 'holds\n' : 'does not hold\n')
    return holds ? 0 : 1
  } finally {
    await suite.close()
  }
}

function tell(name: string, seed: number, outcome: Outcome): void {
  const { runs, slowestMs, grewMiB, slowestHealthMs, findings, notes } = outcome
  const health = slowestHealthMs === null ? '' : `, slowest health check ${slowestHealthMs} ms`
  const counts = Object.entries(notes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([what, count]) => `${what}: ${count}`)
  process.stdout.write(
    `${name}: ${runs} cases with seed ${seed}, ${findings.length} findings, slowest ${slowestMs} ms, grew by ${grewMiB} MiB${health}\n`,
  )
  if (counts.length > 0) process.stdout.write(`  ${counts.join(', ')}\n`)
  for (const { file, message, input } of findings)
    process.stdout.write(
      `  ${message.split('\n').join('\n    ')}\n    ${input}\n    to replay: npm run fuzz -- ${name} --replay ${file}\n`,
    )
}
