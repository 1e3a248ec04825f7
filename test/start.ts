import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { stringify } from 'yaml'
import { freePort } from './lab/daemon.ts'

const root = join(import.meta.dirname, '..')
const node = join(root, 'node_modules', '.bin', 'node')
const hearth = join(root, 'packages', 'hearth', 'hearth.mjs')

export interface Account {
  username: string
  password: string
  project: string
}

interface StartOptions {
  /** A folder to start on again; else a new one, removed by close(). */
  dataFolder?: string
  /** Members to set in hearth.yaml. */
  config?: Record<string, unknown>
  /** Variables added to the environment of each process. */
  env?: Record<string, string>
  /** Roles of each process; absent means everything in one. */
  processes?: string[][]
}

/** A suite that runs in processes of its own, on loopback ports nobody else uses. */
export interface Started {
  urls: { identity: string; volume: string; image: string; object: string }
  admin: Account
  demo: Account
  /** `OS_…` variables of the admin. */
  env: Record<string, string>
  dataFolder: string
  /** Of the first process. */
  pid: number
  /** Kills every process at once, as a power cut would, and waits until they are gone. */
  kill9(): Promise<void>
  /** Stops in order and removes the data folder, unless it was given. */
  close(): Promise<void>
}

const readyWithinMs = 60_000

/** Starts the suite and waits until it is ready. Throws with the end of its output when it does not get ready. */
export async function start(options: StartOptions = {}): Promise<Started> {
  const dataFolder = options.dataFolder ?? mkdtempSync(join(tmpdir(), 'hearth-'))
  const config = await writeConfig(dataFolder, options.config ?? {})
  const children: ChildProcess[] = []
  try {
    for (const roles of options.processes ?? [[]]) children.push(await startProcess(dataFolder, roles, options.env))
  } catch (error) {
    for (const child of children) await end(child, 'SIGTERM')
    if (options.dataFolder === undefined) await removeDataFolder(dataFolder)
    throw error
  }
  const secrets = JSON.parse(readFileSync(join(dataFolder, 'secrets.json'), 'utf8')) as Record<string, string>
  const scheme = options.config?.tls ? 'https' : 'http'
  const url = (part: keyof typeof config.ports): string => `${scheme}://127.0.0.1:${config.ports[part]}`
  const urls = {
    identity: `${url('identity')}/v3`,
    volume: `${url('volume')}/v3`,
    image: url('image'),
    object: url('object'),
  }
  const account = (name: string): Account => ({ username: name, password: secrets[name]!, project: name })
  return {
    urls,
    admin: account('admin'),
    demo: account('demo'),
    env: clientVariables(urls.identity, account('admin')),
    dataFolder,
    pid: children[0]!.pid!,
    async kill9() {
      await Promise.all(children.map((child) => end(child, 'SIGKILL')))
    },
    async close() {
      for (const child of children.toReversed()) await end(child, 'SIGTERM')
      if (options.dataFolder === undefined) await removeDataFolder(dataFolder)
    },
  }
}

/** What the openstack command needs to log in. */
function clientVariables(authUrl: string, account: Account): Record<string, string> {
  return {
    OS_AUTH_URL: authUrl,
    OS_IDENTITY_API_VERSION: '3',
    OS_USERNAME: account.username,
    OS_PASSWORD: account.password,
    OS_PROJECT_NAME: account.project,
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_DOMAIN_NAME: 'Default',
    OS_REGION_NAME: 'RegionOne',
  }
}

const parts = ['identity', 'volume', 'image', 'object'] as const
type Ports = Record<(typeof parts)[number] | 'portal', number>

/** Writes hearth.yaml into the data folder, once: a later start finds the same ports. */
export async function writeConfig(dataFolder: string, more: Record<string, unknown>): Promise<{ ports: Ports }> {
  const portsFile = join(dataFolder, 'ports.json')
  let ports: Ports
  try {
    ports = JSON.parse(readFileSync(portsFile, 'utf8')) as Ports
  } catch {
    const free = await Promise.all(Array.from({ length: 5 }, freePort))
    ports = { identity: free[0]!, volume: free[1]!, image: free[2]!, object: free[3]!, portal: free[4]! }
    mkdirSync(dataFolder, { recursive: true })
    writeFileSync(portsFile, JSON.stringify(ports))
  }
  const config: Record<string, unknown> = { dataFolder, hostName: hostname() }
  for (const part of parts) config[part] = { port: ports[part] }
  config.volume = { ...(config.volume as object), portals: [`127.0.0.1:${ports.portal}`] }
  for (const [key, value] of Object.entries(more))
    config[key] = isPlain(value) && isPlain(config[key]) ? { ...(config[key] as object), ...value } : value
  writeFileSync(join(dataFolder, 'hearth.yaml'), stringify(config))
  return { ports }
}

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Runs a hearth command on a suite's data folder. Throws when it fails. */
export function hearthCommand(dataFolder: string, command: string[]): Promise<{ stdout: string }> {
  return execa(node, [hearth, '--config', join(dataFolder, 'hearth.yaml'), ...command], { cwd: dataFolder })
}

async function startProcess(
  dataFolder: string,
  roles: string[],
  env: Record<string, string> = {},
): Promise<ChildProcess> {
  const command = roles.length === 0 ? ['up'] : ['run', '--roles', roles.join(',')]
  const out = join(dataFolder, `out-${roles.join('+') || 'up'}.txt`)
  const file = openSync(out, 'w')
  const child = spawn(node, [hearth, '--config', join(dataFolder, 'hearth.yaml'), ...command], {
    stdio: ['ignore', file, file],
    cwd: dataFolder,
    env: { ...process.env, ...env },
  })
  const deadline = Date.now() + readyWithinMs
  while (!/^(Hearth is ready|Ready\.)/m.test(readFileSync(out, 'utf8'))) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline)
      throw new Error(`hearth ${command.join(' ')} did not get ready:\n${readFileSync(out, 'utf8').slice(-4000)}`)
    await sleep(20)
  }
  return child
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((done) => child.once('exit', done))
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
  await gone
  clearTimeout(timer)
}

/** Ends the target server that outlives a killed suite, takes away its mount, and removes the folder. */
export async function removeDataFolder(dataFolder: string): Promise<void> {
  await endByPidFile(join(dataFolder, 'run', 'tgtd', 'tgtd.pid'))
  await execa('umount', ['--lazy', join(dataFolder, 'volumes')], { reject: false })
  rmSync(dataFolder, { recursive: true, force: true })
}

async function endByPidFile(file: string): Promise<void> {
  if (!existsSync(file)) return
  const pid = Number(readFileSync(file, 'utf8'))
  const command = `/proc/${pid}/cmdline`
  if (!existsSync(command) || !readFileSync(command, 'utf8').includes(file)) return
  process.kill(pid, 'SIGKILL')
  while (existsSync(command) && readFileSync(command, 'utf8') !== '') await sleep(20)
}
