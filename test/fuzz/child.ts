import { ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs'
import fc from 'fast-check'
import { encodeCase, loadCase } from './case-file.ts'
import { notes } from './notes.ts'
import type { Place, Session } from './target.ts'
import { targets } from './targets.ts'

/** What the parent process sends first. */
export interface Order {
  name: string
  place: Place | null
  seconds: number
  seed: number
  /** Where the case under way is kept, so that the parent has it when this process hangs or dies. */
  currentFile: string
  replay: string | null
}

interface Finding {
  message: string
  seed: number
  path: string | null
  input: unknown
}

/** What this process reports: `found` for each new finding, `done` at the end. */
export type Report =
  | { kind: 'opened'; memoryMiB: number }
  | { kind: 'found'; finding: string }
  | { kind: 'done'; runs: number; slowestMs: number; notes: Record<string, number> }

const slowMs = 1000
const shrinkSeconds = 8
const endMs = 15_000

process.once('message', (order: Order) => {
  work(order).then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})

async function work(order: Order): Promise<void> {
  const { target } = await targets[order.name]!()
  const session = await target.open(order.place)
  send({ kind: 'opened', memoryMiB: target.memoryMiB })
  const watch = watchCases(order, session)
  if (order.replay) await replay(order, watch)
  else await search(order, session, watch)
  await session.close?.()
  watch.close()
  send({ kind: 'done', runs: watch.runs, slowestMs: watch.slowestMs, notes: Object.fromEntries(notes) })
  await new Promise((done) => setTimeout(done, 50))
}

function send(report: Report): void {
  process.send!(report)
}

interface Watch {
  runs: number
  slowestMs: number
  /** The case that runs now. */
  underWay: { input: unknown; since: number } | null
  run(input: unknown): Promise<void>
  close(): void
}

/** Runs single cases: keeps each on disk while it runs, and throws when it is slow three more times. */
function watchCases(order: Order, session: Session): Watch {
  const file = openSync(order.currentFile, 'w')
  let loose: unknown = null
  for (const event of ['unhandledRejection', 'uncaughtException'] as const)
    process.on(event, (error: unknown) => {
      loose ??= error
    })
  const once = async (input: unknown): Promise<number> => {
    watch.underWay = { input, since: Date.now() }
    const begun = performance.now()
    await session.run(input)
    if (loose !== null) {
      const error = loose
      loose = null
      throw new Error(`left an unhandled error: ${String(error)}`, { cause: error })
    }
    return performance.now() - begun
  }
  const watch: Watch = {
    runs: 0,
    slowestMs: 0,
    underWay: null,
    async run(input) {
      this.runs++
      const text = encodeCase({ target: order.name, seed: order.seed, path: null, message: 'under way', input })
      ftruncateSync(file)
      writeSync(file, text, 0)
      try {
        let fastest = await once(input)
        for (let again = 0; again < 3 && fastest > slowMs; again++) {
          // What else the machine does for a moment is no slowness of the case.
          await new Promise((done) => setTimeout(done, slowMs))
          fastest = Math.min(fastest, await once(input))
        }
        this.slowestMs = Math.max(this.slowestMs, Math.round(fastest))
        if (fastest > slowMs) throw new Error(`takes over ${slowMs} ms`)
      } finally {
        this.underWay = null
      }
    },
    close() {
      unlinkSync(order.currentFile)
    },
  }
  return watch
}

async function replay(order: Order, watch: Watch): Promise<void> {
  const { input } = loadCase(order.replay!)
  try {
    await watch.run(input)
  } catch (error) {
    report({ message: textOf(error), seed: order.seed, path: null, input })
  }
}

/** True when the case that ran at the end of the time has not ended long after it began. */
async function neverEnds(watch: Watch): Promise<boolean> {
  while (watch.underWay && Date.now() - watch.underWay.since < endMs) await new Promise((done) => setTimeout(done, 50))
  return watch.underWay !== null
}

/** Draws cases until the time is over; a finding is shrunk, reported and passed over from then on. */
async function search(order: Order, session: Session, watch: Watch): Promise<void> {
  const known = new Set<string>()
  const end = Date.now() + order.seconds * 1000
  for (let round = 0; Date.now() < end; round++) {
    const seed = order.seed + round
    let first: string | null = null
    let shrinkUntil = Number.POSITIVE_INFINITY
    const property = fc.asyncProperty(session.cases, async (input) => {
      if (Date.now() > shrinkUntil) return
      try {
        await watch.run(input)
      } catch (error) {
        const rule = ruleOf(error)
        if (known.has(rule) || (first !== null && rule !== first)) return
        first = rule
        shrinkUntil = Math.min(shrinkUntil, Date.now() + shrinkSeconds * 1000)
        throw error
      }
    })
    const details = await fc.check(property, {
      seed,
      numRuns: Number.MAX_SAFE_INTEGER,
      interruptAfterTimeLimit: Math.max(1, end - Date.now()),
      markInterruptAsFailure: false,
    })
    if (await neverEnds(watch)) {
      report({ message: `does not end within ${endMs / 1000} s`, seed, path: null, input: watch.underWay!.input })
      return
    }
    if (!details.failed || !details.counterexample) continue
    known.add(ruleOf(details.errorInstance))
    report({
      message: textOf(details.errorInstance),
      seed,
      path: details.counterexamplePath,
      input: details.counterexample[0],
    })
  }
}

/** The first line without numbers and ids: what makes two failures one finding. */
const ruleOf = (error: unknown): string =>
  String(error instanceof Error ? error.message : error)
    .split('\n')[0]!
    .replace(/\d+/g, '0')

/** The message, and where in the product the error comes from. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const stack = (error.cause instanceof Error ? error.cause : error).stack ?? ''
  const frames = stack.split('\n').filter((line) => /^\s+at .*\/(packages|drivers|ring)\//.test(line))
  return [error.message, ...frames.slice(0, 5)].join('\n')
}

function report(finding: Finding): void {
  const { message, seed, path, input } = finding
  send({ kind: 'found', finding: encodeCase({ target: '', seed, path, message, input }) })
}
