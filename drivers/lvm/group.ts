import { DriverError, type Runner } from '@hearth/driver'
import { failureOf } from './failures.ts'
import { type GroupReport, type LogicalVolume, parseReport, reportLine } from './lvm.ts'

/** Lines of the LVM shell that belong together. They all run, whether or not one before fails: say conditions by `-S`. */
export interface Steps {
  commands?: string[]
  /** Logical volumes to be activated after it. */
  activate?: string[]
  /** Logical volumes to be removed, unless they are in use. */
  remove?: string[]
}

export interface Outcome {
  /** How the group stands after the steps. */
  report: GroupReport
  /** What LVM complained of. */
  said: string
  find(logical: string): LogicalVolume | undefined
}

/** A volume group on the storage host. */
export interface Group {
  name: string
  run: Runner
  /** Steps of many callers share one process of LVM and its report afterwards, which tells what came of them. */
  perform(steps: Steps): Promise<Outcome>
  /** Not older than `maxAgeMs`; by default a new one, shared with all who ask meanwhile. */
  report(maxAgeMs?: number): Promise<GroupReport>
  /** That a volume is there is believed of an old report, that it is not only of a new one. */
  find(logical: string): Promise<LogicalVolume | undefined>
}

/** Old enough that deeds in a row share one, young enough for another service on the group. */
export const believedMs = 3000
/** What a pipe surely takes at once (PIPE_BUF), less the line of the report. */
const bytesAtOnce = 3500
/** LVM's shell takes 64 words in a line. */
const namesInLine = 40
/** How long another service on the group may keep it. */
const lockSeconds = 300
const exitLocked = 75
const exitNoCommand = 127

/**
 * One process at a time works on a group, of however many services. LVM's shell reads the lines, few enough that they
 * are all in its pipe before it starts: half of `lvremove group/name` would remove the group's every volume.
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

export function volumeIn(report: GroupReport | undefined, logical: string): LogicalVolume | undefined {
  return report?.volumes.find((one) => one.name === logical)
}

/** An unknown command is refused by its name, which tells whose complaints stand before it. */
const endOf = (index: number) => `end-of-${index}`

/** As many of those waiting, one at least, as a pipe takes at once. */
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
    throw new DriverError('unavailable', `Another command holds the volume group ${group} for long: try again`)
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

/** LVM warns of much that is as it should be, such as volumes promised beyond the pool. */
function complaints(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim())
  return lines
    .filter((line) => line !== '' && !/^WARNING: (Sum of|You have not|Set activation|Combining)/.test(line))
    .join('\n')
}
