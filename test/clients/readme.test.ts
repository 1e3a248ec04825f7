import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { afterEach, expect, test } from 'vitest'
import { until } from '../client.ts'
import { freePort } from '../lab/daemon.ts'
import { startMariadb } from '../lab/mariadb.ts'
import { startRabbitmq } from '../lab/rabbitmq.ts'
import { removeDataFolder } from '../start.ts'

const root = join(import.meta.dirname, '..', '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const blockSeconds = 540

/** The shell blocks below a heading, in order. */
function blocks(heading: string): string[] {
  const section = readme.split(/^##+ /m).find((text) => text.startsWith(`${heading}\n`))
  if (!section) throw new Error(`README has no heading ${heading}`)
  return [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1]!)
}

const cleanUps: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp()
})

/** What git has of the checkout, as a clone has it, with the npm packages beside it. */
async function clone(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-readme-'))
  cleanUps.push(async () => {
    await removeDataFolder(join(folder, 'data'))
    rmSync(folder, { recursive: true, force: true })
  })
  const { stdout } = await execa('git', ['ls-files', '-z'], { cwd: root })
  for (const file of stdout.split('\0').filter((name) => name !== '')) {
    mkdirSync(join(folder, dirname(file)), { recursive: true })
    cpSync(join(root, file), join(folder, file))
  }
  const packages = join(root, 'node_modules')
  const linked = await execa('cp', ['-al', packages, folder], { reject: false })
  if (linked.exitCode !== 0) await execa('cp', ['-a', '--no-clobber', packages, folder])
  return folder
}

/** Ports nobody uses, in place of the defaults that this machine may have in use. */
async function ports(): Promise<Record<string, string>> {
  const parts = ['IDENTITY__PORT', 'VOLUME__PORT', 'IMAGE__PORT', 'OBJECT__PORT']
  const free = await Promise.all(parts.map(async (part) => [`HEARTH_${part}`, String(await freePort())] as const))
  const portals = `127.0.0.1:${await freePort()}`
  return { ...Object.fromEntries(free), HEARTH_VOLUME__PORTALS: portals }
}

/** Runs a block in the background until its output matches; stops it at the end of the test. */
async function startBlock(
  block: string,
  cwd: string,
  env: Record<string, string>,
  ready: RegExp,
): Promise<ChildProcess> {
  const child = spawn('bash', ['-euc', `exec ${block.replace(/\s+#.*/, '')}`], { cwd, env: { ...process.env, ...env } })
  let output = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (text: Buffer) => (output += text.toString()))
  const ended = new Promise((done) => child.once('exit', done))
  cleanUps.push(async () => {
    child.kill('SIGTERM')
    await ended
  })
  await until(
    async () => ({ output, exitCode: child.exitCode }),
    (seen) => seen.exitCode !== null || ready.test(seen.output),
    120,
  )
  if (child.exitCode !== null) throw new Error(`"${block.trim()}" ended: ${output}`)
  return child
}

async function runBlock(block: string, cwd: string, env: Record<string, string>): Promise<string> {
  const options = { cwd, env: { ...env, HOME: cwd }, timeout: blockSeconds * 1000, all: true, reject: false } as const
  const { exitCode, all } = await execa('bash', ['-euo', 'pipefail', '-c', block], options)
  if (exitCode !== 0) throw new Error(`a block ended with ${exitCode}:\n${all}`)
  return all
}

test('npm start and the block of the first hour run as they are written', { timeout: 700_000 }, async () => {
  const folder = await clone()
  const env = await ports()
  const [start, ...others] = blocks('Two commands')
  expect(start).toMatch(/^npm start /)
  expect(others).toEqual([expect.stringMatching(/^npm test /)])
  await startBlock(start!, folder, env, /Hearth is ready/)
  const [firstHour, ...more] = blocks('A first hour')
  expect(more).toEqual([])
  expect(await runBlock(firstHour!, folder, env)).toContain('200 ok, 0 failed')
})

test('the blocks for several hosts run as they are written', { timeout: 300_000 }, async () => {
  const [database, broker] = await Promise.all([startMariadb(), startRabbitmq()])
  cleanUps.push(async () => {
    await broker.close()
    await database.close()
  })
  const [apis, storage] = await Promise.all([clone(), clone()])
  const env = { ...(await ports()), HEARTH_DATABASE: database.url, HEARTH_BUS: broker.url }
  const [runApis, exportSecrets, runStorage, ...more] = blocks('Several hosts')
  expect(more).toEqual([])
  await startBlock(runApis!, apis!, { ...env, HEARTH_HOST_NAME: 'apis' }, /^Ready/m)
  await runBlock(exportSecrets!, apis!, env)
  mkdirSync(join(storage!, 'data'), { mode: 0o700 })
  const secrets = readFileSync(join(apis!, 'storage-host.json'))
  writeFileSync(join(storage!, 'data', 'secrets.json'), secrets, { mode: 0o600 })
  await startBlock(runStorage!, storage!, { ...env, HEARTH_HOST_NAME: 'storage' }, /^Ready/m)
  const listing = 'eval "$(./hearth openrc --as admin)"; openstack volume service list -f value -c Host -c State'
  await until(
    () => runBlock(listing, apis!, env),
    (text) => /^storage@file up$/m.test(text),
    60,
  )
})
