import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Every stage of the whole run, in order: the quick ones first, so that a slip is told early. */
const all: { name: string; command?: string[] }[] = [
  { name: 'types', command: ['tsc', '--noEmit'] },
  { name: 'lint', command: ['biome', 'ci', '.'] },
  ...['layout', 'unit', 'real', 'api', 'api-mariadb', 'api-postgres', 'attack', 'fuzz', 'cluster', 'clients'].map(
    (name) => ({
      name,
    }),
  ),
]
const stages = chosen(process.argv.slice(2))

interface Counts {
  passed: number
  failed: number
}

const folder = mkdtempSync(join(tmpdir(), 'hearth-tests-'))
const totals: Counts = { passed: 0, failed: 0 }
const started = Date.now()

for (const stage of stages) {
  const begun = Date.now()
  process.stdout.write(`\n=== ${stage.name}\n`)
  const counts = stage.command ? await runCheck(stage.command) : await runProject(stage.name)
  totals.passed += counts.passed
  totals.failed += counts.failed
  const seconds = ((Date.now() - begun) / 1000).toFixed(0)
  process.stdout.write(`--- ${stage.name}: ${counts.passed} passed, ${counts.failed} failed in ${seconds} s\n`)
}
process.stdout.write(`\n${((Date.now() - started) / 60_000).toFixed(1)} minutes; logs in ${folder}\n`)
process.stdout.write(`${totals.passed} passed, ${totals.failed} failed\n`)
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0

/** The stages with these names, in the order of the whole run; all without names. Ends the process on an unknown name. */
function chosen(names: string[]): typeof all {
  const known = all.map(({ name }) => name)
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    process.stderr.write(`No such stage: ${unknown.join(', ')}. The stages are: ${known.join(', ')}.\n`)
    process.exit(2)
  }
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name))
}

async function runCheck(command: string[]): Promise<Counts> {
  const ok = (await run(command)) === 0
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1 }
}

/** A project that ends without a report, or that runs no test, counts as one failure. */
async function runProject(project: string): Promise<Counts> {
  const report = join(folder, `${project}.json`)
  const code = await run([
    'vitest',
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ])
  try {
    const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(
      readFileSync(report, 'utf8'),
    ) as {
      numPassedTests: number
      numFailedTests: number
      numPendingTests: number
      testResults: { status: string; assertionResults: unknown[] }[]
    }
    const brokenFiles = testResults.filter(
      (file) => file.status === 'failed' && file.assertionResults.length === 0,
    ).length
    const failed = numFailedTests + numPendingTests + brokenFiles
    return { passed: numPassedTests, failed: failed === 0 && (code !== 0 || numPassedTests === 0) ? 1 : failed }
  } catch {
    return { passed: 0, failed: 1 }
  }
}

/** Runs a program of the project's own packages; its output goes to the screen. */
function run(command: string[]): Promise<number> {
  return new Promise((done) => {
    const child = spawn(join('node_modules', '.bin', command[0]!), command.slice(1), { stdio: 'inherit' })
    child.on('close', (code) => done(code ?? 1))
  })
}
