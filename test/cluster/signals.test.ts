import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { login, until, waitForStatus } from '../client.ts'
import { hearthCommand, removeDataFolder, writeConfig } from '../start.ts'

const root = join(import.meta.dirname, '../..')
const node = join(root, 'node_modules/.bin/node')
const hearth = join(root, 'packages/hearth/hearth.mjs')

interface Place {
  folder: string
  config: string
  ports: Record<'identity' | 'volume' | 'image' | 'object', number>
}

const folders: string[] = []
const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const folder of folders.splice(0)) {
    for (const pid of processesOf(folder)) process.kill(pid, 'SIGKILL')
    await removeDataFolder(folder)
  }
})

async function place(more: Record<string, unknown> = {}): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'signals-'))
  folders.push(folder)
  const { ports } = await writeConfig(folder, more)
  return { folder, config: join(folder, 'hearth.yaml'), ports }
}

interface Run {
  child: ChildProcess
  /** What it has printed so far. */
  printed(): string
  ended: Promise<{ code: number | null; signal: string | null }>
}

function run(command: string[], { config }: Place, options: { detached?: boolean } = {}): Run {
  const child = spawn(command[0]!, command.slice(1), {
    cwd: root,
    env: { ...process.env, HEARTH_CONFIG: config },
    ...options,
  })
  children.push(child)
  let text = ''
  child.stdout!.on('data', (part) => {
    text += part
  })
  child.stderr!.on('data', (part) => {
    text += part
  })
  const ended = new Promise<{ code: number | null; signal: string | null }>((done) =>
    child.once('exit', (code, signal) => done({ code, signal })),
  )
  return { child, printed: () => text, ended }
}

const ready = (run: Run): Promise<string> =>
  until(
    async () => run.printed(),
    (text) => {
      if (run.child.exitCode !== null) throw new Error(`it ended: ${text}`)
      return text.includes('Hearth is ready')
    },
    60,
  )

/** Every process that names the folder in its arguments: Hearth with it as configuration, tgtd, helpers. */
function processesOf(folder: string): number[] {
  const named = (pid: string): boolean => {
    try {
      const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/environ`, 'utf8')
      return text.includes(folder)
    } catch {
      return false
    }
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && named(name))
    .map(Number)
}

async function expectNothingLeft({ folder }: Place): Promise<void> {
  await until(
    async () => ({
      processes: processesOf(folder),
      mounts: readFileSync('/proc/self/mounts', 'utf8').includes(folder),
    }),
    ({ processes, mounts }) => processes.length === 0 && !mounts,
    20,
  )
  expect(readdirSync(join(folder, 'run')).filter((name) => name.endsWith('.pid'))).toEqual([])
}

/** Runs it in a terminal of its own: what is written to its input is typed there, and the terminal closes when it is killed. */
const inTerminal = (command: string, where: Place): Run =>
  run(['script', '--quiet', '--return', '--command', command, '/dev/null'], where)

test('Ctrl-C under npm start stops in order, though npm passes on what the terminal has sent already', async () => {
  const where = await place()
  const started = inTerminal('npm start', where)
  await ready(started)
  started.child.stdin!.write('\x03')
  await started.ended
  expect(started.printed()).toContain('Stopped.')
  await expectNothingLeft(where)
})

test('the end of the terminal stops it in order', async () => {
  const where = await place()
  const started = inTerminal('./hearth up', where)
  await ready(started)
  started.child.kill('SIGKILL')
  await expectNothingLeft(where)
})

/** Offers a volume, so that tgtd runs and has a target; nobody logs in to it. */
async function offerVolume({ folder, ports }: Place): Promise<void> {
  const url = (port: number): string => `http://127.0.0.1:${port}`
  const urls = { identity: `${url(ports.identity)}/v3`, volume: `${url(ports.volume)}/v3`, image: '', object: '' }
  const { demo } = JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8')) as { demo: string }
  const client = await login(urls, { username: 'demo', password: demo, project: 'demo' })
  const { id } = (await client.must('volume', 'POST', '/volumes', { json: { volume: { size: 1 } } })).body.volume
  await waitForStatus(client, `/volumes/${id}`, 'available')
  const connector = { initiator: 'iqn.2010-10.org.openstack:nobody', host: 'here', ip: '127.0.0.1', multipath: false }
  const attachment = { volume_uuid: id, connector }
  await client.must('volume', 'POST', '/attachments', { json: { attachment }, version: '3.54' })
  const isTgtd = (pid: number): boolean => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'tgtd'
  expect(processesOf(folder).some(isTgtd)).toBe(true)
}

const endings: [name: string, start: (where: Place) => Run, end: (started: Run) => unknown][] = [
  ['kill', (where) => run(['./hearth', 'up'], where), ({ child }) => child.kill('SIGTERM')],
  ['kill of npm start', (where) => run(['npm', 'start'], where), ({ child }) => child.kill('SIGTERM')],
  ['Ctrl-C', (where) => inTerminal('./hearth up', where), ({ child }) => child.stdin!.write('\x03')],
  [
    'the end of the terminal of npm start',
    (where) => inTerminal('npm start', where),
    ({ child }) => child.kill('SIGKILL'),
  ],
]

test.each(endings)('%s leaves no process, no mount and no target that nobody uses', async (_name, begin, end) => {
  const where = await place()
  const started = begin(where)
  await ready(started)
  await offerVolume(where)
  end(started)
  await started.ended
  await expectNothingLeft(where)
})

test('SIGHUP without a terminal opens the log again and stops nothing; SIGTERM stops', async () => {
  const where = await place()
  const started = run(['setsid', '--wait', './hearth', 'up'], where)
  await ready(started)
  const log = join(where.folder, 'log/hearth.log')
  const [pid] = processesOf(where.folder).filter((one) =>
    readFileSync(`/proc/${one}/cmdline`, 'utf8').includes('hearth.mjs'),
  )
  renameSync(log, `${log}.old`)
  process.kill(pid!, 'SIGHUP')
  await until(
    async () => existsSync(log),
    (there) => there,
    10,
  )
  expect((await fetch(`http://127.0.0.1:${where.ports.image}/v2/images`)).status).toBe(401)
  await until(
    async () => readFileSync(log, 'utf8'),
    (text) => text.includes('/v2/images'),
    10,
  )
  process.kill(pid!, 'SIGTERM')
  expect(await started.ended).toEqual({ code: 0, signal: null })
  await expectNothingLeft(where)
})

/** Makes hearth.mjs take the way it takes with a Node that is too old and cannot replace its process. */
const oldNode =
  'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.0.0"});process.execve=undefined'

test('with an older Node SIGTERM to what was started reaches Hearth, and its exit code comes back', async () => {
  const where = await place()
  const started = run([node, '--import', oldNode, hearth, 'up'], where)
  await ready(started)
  started.child.kill('SIGTERM')
  expect(await started.ended).toEqual({ code: 0, signal: null })
  expect(started.printed()).toContain('Stopped.')
  await expectNothingLeft(where)
})

test('with an older Node Hearth does not outlive what was started, even when that is killed', async () => {
  const where = await place()
  const started = run([node, '--import', oldNode, hearth, 'up'], where)
  await ready(started)
  started.child.kill('SIGKILL')
  await expectNothingLeft(where)
})

test('a standard output that was closed is no error', async () => {
  const where = await place()
  const started = run(['./hearth', 'up'], where)
  await ready(started)
  started.child.stdout!.destroy()
  started.child.stderr!.destroy()
  started.child.kill('SIGTERM')
  expect(await started.ended).toEqual({ code: 0, signal: null })
  await expectNothingLeft(where)
})

test('of two that start at once on one data folder one runs, and the other is refused with its process', async () => {
  const where = await place()
  const both = [run(['./hearth', 'up'], where), run(['./hearth', 'up'], where)]
  const first = await Promise.race(both.map((one) => one.ended.then(() => one)))
  const other = both.find((one) => one !== first)!
  expect(await first.ended).toEqual({ code: 1, signal: null })
  expect(first.printed()).toContain(`is running already (process ${other.child.pid})`)
  await ready(other)
  other.child.kill('SIGTERM')
  expect((await other.ended).code).toBe(0)
})

test('a stop takes no longer than stopSeconds, whatever is under way', async () => {
  const where = await place({ stopSeconds: 1 })
  const started = run(['./hearth', 'up'], where)
  await ready(started)
  const url = (port: number): string => `http://127.0.0.1:${port}`
  const urls = { identity: `${url(where.ports.identity)}/v3`, volume: '', image: '', object: url(where.ports.object) }
  const { demo } = JSON.parse(readFileSync(join(where.folder, 'secrets.json'), 'utf8')) as { demo: string }
  const client = await login(urls, { username: 'demo', password: demo, project: 'demo' })
  await client.must('object', 'PUT', '/box')
  const headers = { 'content-length': 1000, 'x-auth-token': client.token }
  const slow = request(`${urls.object}/v1/AUTH_${client.projectId}/box/slow`, { method: 'PUT', headers })
  slow.on('error', () => undefined)
  slow.write('the rest never comes')
  await until(
    async () => readdirSync(join(where.folder, 'objects'), { recursive: true }).map(String),
    (names) => names.some((name) => name.includes('bodies/')),
    10,
  )
  started.child.kill('SIGTERM')
  expect(await started.ended).toEqual({ code: 1, signal: null })
  expect(started.printed()).toContain('Stopped after stopSeconds = 1')
  slow.destroy()
  expect((await hearthCommand(where.folder, ['down'])).stdout).toContain('Nothing runs')
})
