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
  /** Exit codes that are answers, not failures. Default [0]. */
  allow?: number[]
  env?: Record<string, string>
}

/** Runs one command, argv in, result out; no shell. Throws DriverError when it fails. */
export type Runner = (argv: string[], options?: RunOptions) => Promise<RunResult>

export interface RunnerSettings {
  log: DriverLog
  /** Put before every command, for privilege: `['sudo', '-n']`. */
  prefix?: string[]
  /** Runs every command on another host: arguments of ssh up to and with the host, `['-p', '22', 'root@storage1']`. */
  ssh?: string[]
}

/** Bytes of each output stream that are kept; a command that says more fails. */
const maxOutput = 32 * 1024 * 1024
const maxQuoted = 2000
/** System tools live in sbin folders, which an ordinary user's PATH often lacks. */
const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Of ssh, timeout and env. */
const exitNoConnection = 255
const exitTimedOut = 124
const exitNoCommand = 127

/** Connections are kept and shared, and nothing is ever asked of a person. */
const sshDefaults = [
  ...['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=15', '-o', 'LogLevel=ERROR'],
  ...['-o', 'ControlMaster=auto', '-o', 'ControlPath=~/.ssh/hearth-%C', '-o', 'ControlPersist=60'],
]

/** Opens a runner of this host's commands, or another's, in the C locale and with the system's PATH. */
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

/** The arguments in full: over ssh, quoted for the shell that sshd starts there. */
function commandLine(
  { prefix = [], ssh }: RunnerSettings,
  argv: string[],
  { env, timeout }: { env: Record<string, string>; timeout: number },
): string[] {
  if (!ssh) return [...prefix, ...argv]
  const variables = Object.entries({ PATH: systemPath, ...env, LC_ALL: 'C' })
  // sudo and its like drop what was exported to them.
  const privileged = prefix.length > 0 ? [...prefix, 'env', ...variables.map((pair) => pair.join('='))] : []
  const exported = variables.map(([name, value]) => `export ${name}=${quoted(value)}; `)
  // The end of ssh here does not end the command there.
  const limit = ['timeout', '-k', '2', String(Math.ceil(timeout / 1000))]
  const words = [...privileged, ...limit, ...argv].map(quoted)
  // OpenSSH takes the first value it sees of an option: the caller's come first.
  return ['ssh', ...ssh.slice(0, -1), ...sshDefaults, ssh.at(-1)!, `${exported.join('')}exec ${words.join(' ')}`]
}

/** As one word of a shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}

type Ended = Partial<Pick<ExecaError, 'code' | 'timedOut' | 'isCanceled' | 'isMaxBuffer' | 'exitCode' | 'signal'>> & {
  stdout?: string
  stderr?: string
}

/** For a command that was told to end. */
const slackMs = 4000

/**
 * How it ended, or that it was told to and did not: a process that waits for lost storage is past killing, and what it started,
 * here or behind a shared ssh connection, may hold its output open.
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

/** `text` with every one of `secrets` replaced; longest first, so that none shines through another. */
function mask(text: string, secrets: string[]): string {
  const found = secrets.filter((secret) => secret !== '').sort((a, b) => b.length - a.length)
  return found.reduce((masked, secret) => masked.replaceAll(secret, '***'), text)
}
