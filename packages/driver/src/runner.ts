import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ExecaError, execa, type ResultPromise } from 'execa'
import { DriverError, type DriverErrorKind } from './errors.ts'
import type { DriverLog } from './log.ts'

export interface RunResult {
  stdout: string
  stderr: string
  exitCode: number
}

export interface RunOptions {
  /** Milliseconds; the command is killed after it and DriverError `unavailable` is thrown. Default 60000. */
  timeout?: number
  signal?: AbortSignal
  input?: string
  /** Strings to mask in errors and logs. */
  secrets?: string[]
  /** Exit codes that are results, not failures. Default [0]. */
  allow?: number[]
  env?: Record<string, string>
}

/** Runs one command without a shell and returns its output. Throws DriverError when it fails. */
export type Runner = (argv: string[], options?: RunOptions) => Promise<RunResult>

export interface RunnerSettings {
  log: DriverLog
  /** Words before every command, to get privileges: `['sudo', '-n']`. */
  prefix?: string[]
  /** Runs every command on another host: the arguments of ssh, the host last, `['-p', '22', 'root@storage1']`. */
  ssh?: string[]
}

/** Limit of each output stream in bytes; a command that prints more fails. */
const maxOutput = 32 * 1024 * 1024
const maxQuoted = 2000
/** System tools live in sbin folders, which an ordinary user's PATH often lacks. */
const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Exit codes of ssh, timeout(1) and env(1). */
const exitNoConnection = 255
const exitTimedOut = 124
const exitNoCommand = 127

/** Connections stay open and are shared; ssh never prompts a user. */
const sshDefaults = [
  ...['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=15', '-o', 'LogLevel=ERROR'],
  ...['-o', 'ControlMaster=auto', '-o', 'ControlPath=~/.ssh/hearth-%C', '-o', 'ControlPersist=60'],
]

/** Opens a runner for commands on this host or another one, in the C locale and with the system's PATH. */
export function openRunner(settings: RunnerSettings): Runner {
  const { log } = settings
  return async (argv, options = {}) => {
    const { timeout = 60_000, signal, input, secrets = [], allow = [0], env = {} } = options
    const [file, ...args] = commandLine(settings, argv, { env, timeout })
    if (!file || argv.length === 0) throw new DriverError('invalid', 'No command to run')
    const shown = mask(argv.join(' '), secrets)
    if (signal?.aborted) throw new DriverError('aborted', `${shown}: aborted before it began`)
    const began = performance.now()
    const running = execa(file, args, {
      reject: false,
      timeout,
      ...(signal ? { cancelSignal: signal } : {}),
      ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
      env: { PATH: systemPath, ...env, LC_ALL: 'C' },
      maxBuffer: maxOutput,
      stripFinalNewline: false,
      forceKillAfterDelay: 2000,
    })
    const result = await endOf(running, timeout, signal)
    const { exitCode } = result
    const milliseconds = Math.round(performance.now() - began)
    log.debug({ command: shown, exitCode, milliseconds }, 'command')
    if (exitCode !== undefined && allow.includes(exitCode) && !result.isMaxBuffer && !result.isCanceled) {
      return { stdout: result.stdout ?? '', stderr: result.stderr ?? '', exitCode }
    }
    const about = { shown, secrets, timeout, tool: argv[0] ?? file, remote: settings.ssh !== undefined }
    throw failure(result, about)
  }
}

/** Returns the full command line; for ssh, quoted for the shell that sshd starts. */
function commandLine(
  { prefix = [], ssh }: RunnerSettings,
  argv: string[],
  { env, timeout }: { env: Record<string, string>; timeout: number },
): string[] {
  if (!ssh) return [...prefix, ...argv]
  const variables = Object.entries({ PATH: systemPath, ...env, LC_ALL: 'C' })
  // sudo and similar tools clear the environment, so env(1) sets the variables after them.
  const privileged = prefix.length > 0 ? [...prefix, 'env', ...variables.map((pair) => pair.join('='))] : []
  const exported = variables.map(([name, value]) => `export ${name}=${quoted(value)}; `)
  // When ssh ends on this host, the command on the other host goes on: timeout(1) ends it.
  const limit = ['timeout', '-k', '2', String(Math.ceil(timeout / 1000))]
  const words = [...privileged, ...limit, ...argv].map(quoted)
  // OpenSSH uses the first value of an option, so the caller's options come first.
  return ['ssh', ...ssh.slice(0, -1), ...sshDefaults, ssh.at(-1)!, `${exported.join('')}exec ${words.join(' ')}`]
}

/** Quotes one word for a shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}

type Ended = Partial<Pick<ExecaError, 'code' | 'timedOut' | 'isCanceled' | 'isMaxBuffer' | 'exitCode' | 'signal'>> & {
  stdout?: string
  stderr?: string
}

/** Milliseconds that a command gets to end after its kill signal. */
const slackMs = 4000

/**
 * Waits for the end of a command, but not much longer than its limit: a process that waits for lost storage cannot be
 * killed, and its children, on this host or behind a shared ssh connection, may keep its output open.
 */
async function endOf(running: ResultPromise, timeoutMs: number, signal: AbortSignal | undefined): Promise<Ended> {
  const done = new AbortController()
  const limit = AbortSignal.timeout(timeoutMs)
  const overdue = async (): Promise<Ended> => {
    await once(AbortSignal.any(signal ? [signal, limit] : [limit]), 'abort', { signal: done.signal })
    await sleep(slackMs, undefined, { signal: done.signal })
    return signal?.aborted ? { isCanceled: true } : { timedOut: true }
  }
  try {
    return await Promise.race([running as unknown as Promise<Ended>, overdue()])
  } finally {
    done.abort()
    for (const stream of running.stdio) stream?.destroy()
  }
}

function failure(
  result: Ended,
  about: { shown: string; secrets: string[]; timeout: number; tool: string; remote: boolean },
): DriverError {
  const { shown, secrets, timeout, tool, remote } = about
  if (result.isCanceled) return new DriverError('aborted', `${shown}: aborted`)
  if (result.timedOut || (remote && result.exitCode === exitTimedOut))
    return new DriverError('unavailable', `${shown}: no end after ${timeout} ms`)
  if (result.code === 'ENOENT' || (remote && result.exitCode === exitNoCommand))
    return new DriverError('unsupported', `The command ${tool} is not on this host`)
  if (result.isMaxBuffer) return new DriverError('failed', `${shown}: said more than ${maxOutput} bytes`)
  const said = mask((result.stderr ?? '').trim(), secrets).slice(-maxQuoted)
  const ending = result.exitCode === undefined ? (result.signal ?? result.code) : `exit code ${result.exitCode}`
  if (remote && result.exitCode === exitNoConnection) {
    return new DriverError('unavailable', `${shown}: the storage host does not answer: ${said}`)
  }
  return new DriverError(kindOf(said), `${shown}: ${ending}: ${said}`, { exitCode: result.exitCode })
}

function kindOf(stderr: string): DriverErrorKind {
  return /no space left on device|disk quota exceeded/i.test(stderr) ? 'no-space' : 'failed'
}

/** Returns `text` with every secret masked; longest first, because a secret may contain another. */
function mask(text: string, secrets: string[]): string {
  const found = secrets.filter((secret) => secret !== '').sort((a, b) => b.length - a.length)
  return found.reduce((masked, secret) => masked.replaceAll(secret, '***'), text)
}
