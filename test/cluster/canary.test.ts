import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { freePort } from '../lab/daemon.ts'
import { removeDataFolder } from '../start.ts'

const root = join(import.meta.dirname, '../..')
const canary = 'canary7Qx'
/** An operator hears of a mistake within seconds; the machine of the tests may be busy. */
const longestMs = 90_000

const folders: string[] = []
afterAll(async () => {
  for (const folder of folders) await removeDataFolder(folder)
})

interface Mistake {
  yaml?: object | string
  env?: Record<string, string>
  secrets?: string
  /** What the one sentence must say. */
  says: string
}

const foreign = { authUrl: 'http://127.0.0.1:1/v3', password: canary }
const lvm = '@hearth/driver-lvm'
const mistakes: Record<string, Mistake> = {
  'a database of the wrong type': { yaml: { database: [canary] }, says: 'database: must be string' },
  'a database URL without //': { yaml: { database: `mysql:u:${canary}@h/x` }, says: 'database (HEARTH_DATABASE)' },
  'a database URL without a colon': { yaml: { database: `mysql//u:${canary}@h` }, says: 'database (HEARTH_DATABASE)' },
  'a database URL without a name': { yaml: { database: `mysql://u:${canary}@h` }, says: 'database (HEARTH_DATABASE)' },
  'a slash in a password': { yaml: { database: `postgres://u:12/${canary}@h/x` }, says: 'write @ / ? # as' },
  'a MariaDB that is not there': { yaml: { database: `mysql://u:${canary}@127.0.0.1:1/x` }, says: 'no server listens' },
  'a PostgreSQL that is not there': { yaml: { database: `postgres://u:${canary}@127.0.0.1:1/x` }, says: '127.0.0.1:1' },
  'the same in a variable': { env: { HEARTH_DATABASE: `mysql://u:${canary}@127.0.0.1:1/x` }, says: '127.0.0.1:1' },
  'a bus of the wrong type': { yaml: { bus: { url: canary } }, says: 'bus: must be string' },
  'a bus URL without //': { yaml: { bus: `amqp:u:${canary}@h` }, says: 'bus (HEARTH_BUS)' },
  'a broker that is not there': {
    yaml: { bus: `amqp://u:${canary}@127.0.0.1:1` },
    says: 'cannot reach the message broker',
  },
  'a password without its URL': { yaml: { identity: { foreign: { password: canary } } }, says: "property 'authUrl'" },
  'a password that is a list': {
    yaml: { identity: { foreign: { ...foreign, password: [canary] } } },
    says: 'must be string',
  },
  'a password in place of its section': { yaml: { identity: { foreign: canary } }, says: 'must be object' },
  'a password without a user, in a variable': {
    env: { HEARTH_IDENTITY__FOREIGN__PASSWORD: canary },
    says: "property 'authUrl'",
  },
  'options that are a text': {
    yaml: { volume: { backends: { x: { driver: lvm, options: canary } } } },
    says: 'must be object',
  },
  'an option that the driver does not know': {
    yaml: { volume: { backends: { x: { driver: lvm, options: { password: canary } } } } },
    says: 'volume.backends.x.options.password: is not an option',
  },
  'options of a driver that is not there': {
    yaml: { volume: { backends: { x: { driver: 'file', options: { password: canary } } } } },
    says: 'did you mean @hearth/driver-file?',
  },
  'a quote too few': { yaml: `database: "mysql://u:${canary}@h/x`, says: 'line 1, column' },
  'a value that begins with an asterisk': { yaml: `database: *${canary}`, says: 'put it in quotes' },
  'a damaged file of secrets': { secrets: `{"admin": "${canary}"`, says: 'it is not valid JSON' },
  'a file of secrets that is a list': { secrets: `["${canary}"]`, says: 'it must hold names' },
}

/** Everything that was ever in the arguments of a process while `work` went on and held the canary. */
async function argumentsDuring(work: Promise<unknown>): Promise<string[]> {
  const found = new Set<string>()
  let isOver = false
  void work.finally(() => {
    isOver = true
  })
  while (!isOver) {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        if (text.includes(canary)) found.add(text)
      } catch {
        // It has ended.
      }
    }
    await new Promise((done) => setTimeout(done, 50))
  }
  return [...found]
}

test.concurrent.each(Object.entries(mistakes))(
  '%s: one sentence says what to do, and the secret is nowhere',
  async (_what, { yaml, env, secrets, says }) => {
    const folder = mkdtempSync(join(tmpdir(), 'canary-'))
    folders.push(folder)
    const ports = await Promise.all(
      ['identity', 'volume', 'image', 'object'].map(async (part) => [part, { port: await freePort() }]),
    )
    const portal = `127.0.0.1:${await freePort()}`
    const base = { dataFolder: folder, ...Object.fromEntries(ports) }
    base.volume = { ...base.volume, portals: [portal] }
    writeFileSync(join(folder, 'hearth.yaml'), typeof yaml === 'string' ? yaml : stringify(merged(base, yaml ?? {})))
    if (secrets !== undefined) writeFileSync(join(folder, 'secrets.json'), secrets, { mode: 0o600 })
    const child = spawn(join(root, 'hearth'), ['--config', join(folder, 'hearth.yaml'), 'up'], {
      cwd: folder,
      env: { ...process.env, ...env },
      timeout: longestMs,
    })
    let printed = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (part) => {
        printed += part
      })
    const ended = new Promise<number | null>((done) => child.once('close', done))
    const inArguments = await argumentsDuring(ended)
    expect(printed).toContain(says)
    expect(await ended).toBe(1)
    expect(printed).not.toMatch(/^ +at /m)
    rmSync(join(folder, 'hearth.yaml'))
    rmSync(join(folder, 'secrets.json'), { force: true })
    expect([printed, ...inArguments, ...filesOf(folder)].filter((text) => text.includes(canary))).toEqual([])
  },
)

function merged(base: Record<string, unknown>, more: object): Record<string, unknown> {
  const isSection = (value: unknown): value is object =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
  const entries = Object.entries(more).map(([key, value]) => [
    key,
    isSection(value) && isSection(base[key]) ? { ...base[key], ...value } : value,
  ])
  return { ...base, ...Object.fromEntries(entries) }
}

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
