import { type ChildProcess, spawn } from 'node:child_process'
import { type ConnectionInfo, initiatorName } from '../cloud/volumes.ts'
import type { Pattern } from './pattern.ts'

/** Seconds that one machine's login and its reads and writes took. */
export interface Replay {
  login: number
  boot: number
}

/** One iSCSI initiator: a qemu-io process that opens one volume after the other by libiscsi, as qemu itself does. */
export interface Initiator {
  /** Logs in, replays the pattern one operation after the other, flushes, logs out. */
  replay(connection: ConnectionInfo, pattern: Pattern, signal: AbortSignal): Promise<Replay>
  close(): void
}

const prompt = 'qemu-io> '

interface Pending {
  replies: string[]
  wanted: number
  resolve(replies: string[]): void
  reject(error: Error): void
}

export function openInitiator(timeoutSeconds: number): Initiator {
  let child: ChildProcess | null = null
  let pending: Pending | null = null
  let output = ''
  let complaints = ''

  const take = (chunk: string): void => {
    output += chunk
    for (let at = output.indexOf(prompt); at >= 0; at = output.indexOf(prompt)) {
      pending?.replies.push(output.slice(0, at).trim())
      output = output.slice(at + prompt.length)
    }
    if (pending && pending.replies.length >= pending.wanted) pending.resolve(pending.replies.slice(-pending.wanted))
  }

  const begin = (): ChildProcess => {
    // Unbuffered input: qemu-io waits for its descriptor, not for lines its C library has already read.
    const started = spawn('stdbuf', ['-i0', 'qemu-io'], { stdio: ['pipe', 'pipe', 'pipe'] })
    output = ''
    started.stdout.setEncoding('utf8').on('data', take)
    started.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      complaints = (complaints + chunk).slice(-2000)
    })
    started.stdin.on('error', () => {})
    started.on('error', (error) => pending?.reject(new Error(`qemu-io does not start: ${error.message}`)))
    started.on('exit', (code, signal) => {
      if (child === started) child = null
      pending?.reject(new Error(`qemu-io ended with ${signal ?? code}: ${complaints.trim()}`))
    })
    return started
  }

  /** Sends commands; resolves with what each printed. */
  const run = (commands: string, count: number): Promise<string[]> => {
    const isNew = child === null
    child ??= begin()
    return new Promise((resolve, reject) => {
      // A new process greets with one prompt more.
      pending = { replies: [], wanted: count + (isNew ? 1 : 0), resolve, reject }
      child!.stdin!.write(commands)
    }).then((replies) => (replies as string[]).slice(-count))
  }

  const kill = (): void => {
    child?.kill('SIGKILL')
    child = null
  }

  return {
    async replay(connection, pattern, signal) {
      complaints = ''
      const timer = setTimeout(() => {
        pending?.reject(new Error(`no end after ${timeoutSeconds} s of reads and writes. ${complaints.trim()}`))
        kill()
      }, timeoutSeconds * 1000)
      const stop = (): void => {
        pending?.reject(new Error('stopped'))
        kill()
      }
      signal.addEventListener('abort', stop, { once: true })
      try {
        return await replayOn(run, connection, pattern, () => complaints)
      } finally {
        clearTimeout(timer)
        signal.removeEventListener('abort', stop)
        pending = null
      }
    },
    close: kill,
  }
}

async function replayOn(
  run: (commands: string, count: number) => Promise<string[]>,
  connection: ConnectionInfo,
  pattern: Pattern,
  complaints: () => string,
): Promise<Replay> {
  const started = performance.now()
  const [, length] = await run(`open -o ${openOptions(connection)}\nlength\n`, 2)
  if (!length) {
    // The complaint travels on another pipe than the prompt.
    await new Promise((done) => setTimeout(done, 20))
    throw new Error(
      `login failed: ${complaints()
        .split('\n')[0]!
        .replace(/password=[^,\s]*/g, 'password=…')}`,
    )
  }
  const loggedIn = performance.now()
  const replies = await run(commandsOf(pattern), pattern.operations.length + 2)
  const failure = replies.find((reply) => reply !== '')
  if (failure) throw new Error(failure)
  return { login: (loggedIn - started) / 1000, boot: (performance.now() - loggedIn) / 1000 }
}

/** The block layer's options for this connection. Throws when the volume is not offered over iSCSI. */
export function openOptions(connection: ConnectionInfo): string {
  if (connection.driver_volume_type !== 'iscsi')
    throw new Error(
      `the volume is offered by "${connection.driver_volume_type}", and only iSCSI can be read by this bench: use --no-io`,
    )
  const option = (name: string, value: unknown): string => `${name}=${String(value).replaceAll(',', ',,')}`
  const options = [
    'driver=iscsi',
    'transport=tcp',
    option('portal', connection.target_portal),
    option('target', connection.target_iqn),
    option('lun', connection.target_lun ?? 0),
    option('initiator-name', initiatorName),
  ]
  if (connection.auth_method === 'CHAP')
    options.push(option('user', connection.auth_username), option('password', connection.auth_password))
  return options.join(',')
}

function commandsOf(pattern: Pattern): string {
  const lines = pattern.operations.map(({ kind, offset, length }) =>
    kind === 'read' ? `r -q ${offset} ${length}` : `w -q -P 0x5a ${offset} ${length}`,
  )
  return `${[...lines, 'flush', 'close'].join('\n')}\n`
}
