import { type ChildProcess, fork } from 'node:child_process'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type CaseFile, loadCase, saveCase } from './case-file.ts'
import type { Order, Report } from './child.ts'
import type { Place } from './target.ts'
import { residentOrZero, type Watched, watchSuite } from './watch-suite.ts'

const root = join(import.meta.dirname, '..', '..')

interface RunOptions {
  name: string
  place: Place | null
  seconds: number
  seed: number
  /** Folder for failing cases. */
  out: string
  /** A kept case to run in place of new ones. */
  replay?: string | null
}

export interface Outcome {
  runs: number
  slowestMs: number
  /** By how much the process that read the cases grew at most, MiB. */
  grewMiB: number
  notes: Record<string, number>
  /** Slowest health check, ms; null for targets within a process. */
  slowestHealthMs: number | null
  findings: { file: string; message: string; input: string }[]
}

/** A case that neither ends nor can be interrupted is given up after this long, and its process killed. */
const hangMs = 30_000
const startMs = 90_000

/** Runs one target in a child process, and watches it and the suite from outside. */
export async function runTarget(options: RunOptions): Promise<Outcome> {
  mkdirSync(options.out, { recursive: true })
  const outcome: Outcome = { runs: 0, slowestMs: 0, grewMiB: 0, notes: {}, slowestHealthMs: null, findings: [] }
  const add = (found: Omit<CaseFile, 'target'>): void => {
    const file = join(options.out, `${options.name}-${options.seed}-${outcome.findings.length + 1}.json`)
    saveCase(file, { ...found, target: options.name })
    outcome.findings.push({ file, message: found.message, input: JSON.stringify(found.input).slice(0, 600) })
  }
  const suite = options.place ? await watchSuite(options.place) : null
  await superviseChild(options, outcome, add, suite)
  if (suite) {
    const { slowestMs, problems } = await suite.close()
    outcome.slowestHealthMs = slowestMs
    for (const message of problems) add({ seed: options.seed, path: null, message, input: null })
  }
  return outcome
}

async function superviseChild(
  options: RunOptions,
  outcome: Outcome,
  add: (found: Omit<CaseFile, 'target'>) => void,
  suite: Watched | null,
): Promise<void> {
  const { name, place, seconds, seed } = options
  const currentFile = join(options.out, `${name}-${seed}.current.json`)
  const child = fork(join(import.meta.dirname, 'child.ts'), { cwd: root, execArgv: ['--max-old-space-size=2048'] })
  let done = false
  let killed: string | null = null
  let limitMiB = Number.POSITIVE_INFINITY
  let baseMiB = Number.POSITIVE_INFINITY
  const kill = (why: string): void => {
    killed ??= why
    child.kill('SIGKILL')
  }
  child.on('message', (report: Report) => {
    if (report.kind === 'opened') {
      limitMiB = report.memoryMiB
      baseMiB = residentOrZero(child.pid!)
    }
    if (report.kind === 'found') add(JSON.parse(report.finding) as CaseFile)
    if (report.kind === 'done') {
      done = true
      Object.assign(outcome, { runs: report.runs, slowestMs: report.slowestMs, notes: report.notes })
    }
  })
  const timer = superviseTimer(child, currentFile, kill, () => {
    const grew = suite ? suite.grewMiB() : residentOrZero(child.pid!) - baseMiB
    outcome.grewMiB = Math.max(outcome.grewMiB, Math.round(grew))
    if (limitMiB < Number.POSITIVE_INFINITY && grew > limitMiB) kill(`grew by more than ${limitMiB} MiB`)
    if (suite && !suite.alive()) kill('the suite has ended')
  })
  child.send({ name, place, seconds, seed, currentFile, replay: options.replay ?? null } satisfies Order)
  const code = await new Promise<number | null>((gone) => child.once('exit', (status) => gone(status)))
  clearInterval(timer)
  if (done) return
  const message = killed ?? `the process that read the case ended with ${code ?? 'a signal'}`
  add({ seed, path: null, message, input: existsSync(currentFile) ? loadCurrent(currentFile) : null })
}

function superviseTimer(
  child: ChildProcess,
  currentFile: string,
  kill: (why: string) => void,
  look: () => void,
): NodeJS.Timeout {
  const begun = Date.now()
  return setInterval(() => {
    look()
    const touched = existsSync(currentFile) ? statSync(currentFile).mtimeMs : null
    const quiet = Date.now() - (touched ?? begun)
    if (quiet > (touched === null ? startMs : hangMs) && child.exitCode === null)
      kill(touched === null ? 'did not start' : `hangs: no end after ${hangMs / 1000} s`)
  }, 500)
}

function loadCurrent(path: string): unknown {
  try {
    return loadCase(path).input
  } catch {
    return null
  }
}
