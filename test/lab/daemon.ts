import { access, chmod, chown, constants, copyFile, mkdtemp, rm, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import getPort from 'get-port'
import type { LabCertificate } from './certificates.ts'

/** A server of the lab, private and on loopback. */
export interface LabServer {
  /** With user and password. */
  url: string
  port: number
  /** Ends the server and keeps its data: `SIGTERM` (default) politely, `SIGKILL` as a power cut would. */
  stop(signal?: NodeJS.Signals): Promise<void>
  /** Sends a signal and does not wait: SIGSTOP freezes it, SIGCONT lets it go on. */
  signal(signal: NodeJS.Signals): void
  /** Starts it again on the same port and data. */
  start(): Promise<void>
  /** Ends it and removes its data. */
  close(): Promise<void>
}

/** The path of a program, or an error that names the Debian package. */
export async function program(name: string, debianPackage: string, folders: string[] = []): Promise<string> {
  const places = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin', ...folders]
  for (const folder of places) {
    const path = join(folder, name)
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  throw new Error(`${name} is not installed: apt-get install ${debianPackage}`)
}

/** A loopback port nobody listens on at this moment. */
export function freePort(): Promise<number> {
  return getPort({ host: '127.0.0.1' })
}

/** A new folder that belongs to `user` when this process is root, else to whoever runs it. */
export async function labFolder(name: string, user?: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `hearth-${name}-`))
  if (user && process.getuid?.() === 0) {
    const id = async (flag: string) => Number((await execa('id', [flag, user])).stdout)
    await chown(folder, await id('-u'), await id('-g'))
  }
  return folder
}

/** TLS for a server of the lab: its certificate, and the authority that signed it. */
export interface LabTls extends LabCertificate {
  authority: string
}

/** The certificate and key in the folder of a server, readable by its user alone. */
export async function placeCertificate(tls: LabTls, folder: string, user?: string): Promise<LabCertificate> {
  const placed = { certificate: join(folder, 'server.pem'), key: join(folder, 'server-key.pem') }
  const { uid, gid } = await stat(folder)
  for (const part of ['certificate', 'key'] as const) {
    await copyFile(tls[part], placed[part])
    await chmod(placed[part], 0o600)
    if (user && process.getuid?.() === 0) await chown(placed[part], uid, gid)
  }
  return placed
}

/** Puts setpriv before a command: it dies with this process and, when root, runs as `user`. */
export function asUser(user: string | undefined, command: string[]): string[] {
  const drop = user && process.getuid?.() === 0 ? ['--reuid', user, '--regid', user, '--init-groups'] : []
  return ['setpriv', ...drop, '--pdeathsig', 'KILL', ...command]
}

interface Daemon {
  command: string[]
  environment?: Record<string, string>
  folder: string
  /** Resolves to true once it serves; asked until then. */
  ready(): Promise<boolean>
  readyMs?: number
}

export interface RunningDaemon {
  stop(signal: NodeJS.Signals): Promise<void>
  signal(signal: NodeJS.Signals): void
}

/** Starts a daemon in the foreground and waits until it serves. Its output is in the error when it does not. */
export async function startDaemon({ command, environment, folder, ready, readyMs }: Daemon): Promise<RunningDaemon> {
  const [file, ...args] = command as [string, ...string[]]
  const child = execa(file, args, {
    cwd: folder,
    env: { LC_ALL: 'C', ...environment },
    all: true,
    buffer: false,
    reject: false,
    stdin: 'ignore',
  })
  let output = ''
  child.all.on('data', (data: Buffer) => {
    output = (output + data.toString()).slice(-8000)
  })
  let ended = false
  const end = child.then(() => {
    ended = true
  })
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (!ended) child.kill(signal)
    await end
  }
  const last = Date.now() + (readyMs ?? 60_000)
  while (!(await ready().catch(() => false))) {
    if (!ended && Date.now() < last) await sleep(50)
    else {
      await stop('SIGKILL')
      throw new Error(`${command.join(' ')} did not come up:\n${output}`)
    }
  }
  return { stop, signal: (signal) => void child.kill(signal) }
}

/** True when something accepts connections. */
export async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** A lab server of one daemon whose data are in one folder. */
export async function labServer(url: string, port: number, daemon: Daemon): Promise<LabServer> {
  let running: RunningDaemon | undefined = await startDaemon(daemon).catch(async (error: unknown) => {
    await rm(daemon.folder, { recursive: true, force: true })
    throw error
  })
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    const stopping = running
    running = undefined
    await stopping?.stop(signal)
  }
  return {
    url,
    port,
    stop: (signal = 'SIGTERM') => stop(signal),
    signal: (signal) => running?.signal(signal),
    async start() {
      running ??= await startDaemon(daemon)
    },
    async close() {
      await stop('SIGKILL')
      await rm(daemon.folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
