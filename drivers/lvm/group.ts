import { DriverError, type Runner } from '@hearth/driver'
import { failureOf } from './failures.ts'
import { type GroupReport, type LogicalVolume, parseReport, reportLine } from './lvm.ts'

/** Lines for LVM's shell that belong together. All of them run, even after a failure: use `-S` for conditions. */
interface Steps {
  commands?: string[]
  /** Logical volumes to activate after the commands. */
  activate?: string[]
  /** Logical volumes to remove; LVM refuses those that are in use. */
  remove?: string[]
}

export interface Outcome {
  /** State of the group after the steps. */
  report: GroupReport
  /** LVM's error messages about these steps. */
  said: string
  find(logical: string): LogicalVolume | undefined
}

/** A volume group on the storage host. */
export interface Group {
  name: string
  run: Runner
  /** Runs the steps. Many callers share one LVM process, and one report at its end that shows the results. */
  perform(steps: Steps): Promise<Outcome>
  /** Returns a report that is at most `maxAgeMs` old. The default is a new one, shared by callers that wait for it. */
  report(maxAgeMs?: number): Promise<GroupReport>
  /** Finds a volume in a recent report (`believedMs`); only a new report can show that it is missing. */
  find(logical: string): Promise<LogicalVolume | undefined>
}

/** Milliseconds that a report is reused: consecutive operations share it, and changes by other services show soon. */
export const believedMs = 3000
/** Bytes that a pipe always accepts in one write (PIPE_BUF, 4096), minus the line of the report. */
const bytesAtOnce = 3500
/** Volume names in one line: LVM's shell accepts 64 words. */
const namesInLine = 40
/** Seconds to wait while another service has locked the group. */
const lockSeconds = 300
const exitLocked = 75
const exitNoCommand = 127

/**
 * flock lets one process at a time work on a group, across all services of the host. The lines for LVM's shell are few
 * enough to be in its pipe before it starts: a cut-off `lvremove group/name` would remove every volume of the group.
 */
const script = `
lock=/run/lock; [ -d "$lock" ] || lock=/run
exec 9> "$lock/hearth-lvm-$1"
flock -w "$2" -E ${exitLocked} 9 || exit $?
lvm 9>&- <<END
$3
END
`

interface Waiting {
  steps: Steps
  resolve(outcome: Outcome): void
  reject(error: unknown): void
}

/** Opens a volume group on the host of `run`. `onReport` receives every report. */
export function openGroup(name: string, run: Runner, onReport: (report: GroupReport) => void): Group {
  const waiting: Waiting[] = []
  let busy = false
  let latest: { report: GroupReport; at: number } | undefined

  const turn = async (batch: Waiting[]): Promise<void> => {
    try {
      const { report, said } = await runLines(name, run, linesOf(name, batch))
      latest = { report, at: performance.now() }
      onReport(report)
      for (const [i, one] of batch.entries()) one.resolve(outcomeOf(report, said, i, one.steps))
    } catch (error) {
      latest = undefined
      for (const one of batch) one.reject(error)
    }
  }
  const drain = async (): Promise<void> => {
    if (busy) return
    busy = true
    // Those who were let go together come together.
    await new Promise(setImmediate)
    while (waiting.length > 0) await turn(nextBatch(name, waiting))
    busy = false
  }
  const group: Group = {
    name,
    run,
    perform: (steps) =>
      new Promise((resolve, reject) => {
        waiting.push({ steps, resolve, reject })
        void drain()
      }),
    async report(maxAgeMs = 0) {
      if (latest && performance.now() - latest.at < maxAgeMs) return latest.report
      return (await group.perform({})).report
    },
    async find(logical) {
      const known = latest && performance.now() - latest.at < believedMs ? latest.report : undefined
      return volumeIn(known, logical) ?? volumeIn(await group.report(), logical)
    },
  }
  return group
}

/** Finds a logical volume in a report. */
export function volumeIn(report: GroupReport | undefined, logical: string): LogicalVolume | undefined {
  return report?.volumes.find((one) => one.name === logical)
}

/** A command that does not exist: LVM's error message for it marks the end of one caller's messages. */
const endOf = (index: number) => `end-of-${index}`

/** Takes as many waiting callers as fit into one pipe write, at least one. */
function nextBatch(group: string, waiting: Waiting[]): Waiting[] {
  let count = 1
  const bytes = () => linesOf(group, waiting.slice(0, count + 1)).join('\n').length
  while (count < waiting.length && bytes() <= bytesAtOnce) count += 1
  return waiting.splice(0, count)
}

function linesOf(group: string, batch: Waiting[]): string[] {
  const each = (names: string[], command: string): string[] => {
    const lines: string[] = []
    for (let at = 0; at < names.length; at += namesInLine) {
      const paths = names.slice(at, at + namesInLine).map((logical) => `${group}/${logical}`)
      lines.push(`${command} ${paths.join(' ')}`)
    }
    return lines
  }
  const all = (pick: 'activate' | 'remove') => [...new Set(batch.flatMap(({ steps }) => steps[pick] ?? []))]
  return [
    ...batch.flatMap(({ steps }, i) => (steps.commands?.length ? [...steps.commands, endOf(i)] : [])),
    ...each(all('activate'), 'lvchange -qq -y -K -ay'),
    ...each(all('remove'), 'lvremove -qq -f'),
  ]
}

async function runLines(group: string, run: Runner, lines: string[]): Promise<{ report: GroupReport; said: string }> {
  const timeout = lockSeconds * 1000 + 120_000 + lines.length * 5000
  const given = [...lines, `${reportLine} ${group}`].join('\n')
  const { stdout, stderr, exitCode } = await run(['sh', '-c', script, 'sh', group, String(lockSeconds), given], {
    timeout,
    allow: [0, 1, 2, 3, 5, exitLocked, exitNoCommand],
  })
  if (exitCode === exitNoCommand) {
    throw new DriverError('unsupported', 'The storage host lacks LVM or flock: install lvm2 and util-linux')
  }
  if (exitCode === exitLocked) {
    throw new DriverError(
      'unavailable',
      `Another command has locked the volume group ${group} for ${lockSeconds} s: try again`,
    )
  }
  const report = parseReport(stdout)
  if (!report) throw failureOf(complaints(stderr), `volume group ${group}`)
  return { report, said: stderr }
}

function outcomeOf(report: GroupReport, stderr: string, index: number, steps: Steps): Outcome {
  const named = [...(steps.activate ?? []), ...(steps.remove ?? [])]
  const lines = stderr.split('\n')
  const end = lines.findIndex((line) => line.includes(`'${endOf(index)}'`))
  const begin = lines.slice(0, Math.max(end, 0)).findLastIndex((line) => line.includes("'end-of-"))
  const own = end === -1 ? [] : lines.slice(begin + 1, end)
  const shared = lines.slice(lines.findLastIndex((line) => line.includes("'end-of-")) + 1)
  const about = shared.filter((line) => named.some((logical) => line.split(/[^\w.+-]/).includes(logical)))
  return { report, said: complaints([...own, ...about].join('\n')), find: (logical) => volumeIn(report, logical) }
}

/** Drops LVM's warnings about intended states, such as volumes that together exceed the pool. */
function complaints(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim())
  return lines
    .filter((line) => line !== '' && !/^WARNING: (Sum of|You have not|Set activation|Combining)/.test(line))
    .join('\n')
}
