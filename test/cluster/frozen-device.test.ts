import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, login } from '../client.ts'
import { type Started, start } from '../start.ts'

const folder = mkdtempSync(join(tmpdir(), 'frozen-'))
const slow = join(folder, 'slow')
let suite: Started
let client: Client

beforeAll(async () => {
  const image = join(folder, 'slow.img')
  writeFileSync(image, '')
  truncateSync(image, 300 * 2 ** 20)
  await execa('mkfs.ext4', ['-q', image])
  mkdirSync(slow)
  await execa('mount', ['-o', 'loop', image, slow])
  const devices = ['slow', 'sd2', 'sd3'].map((name, index) => ({ path: join(folder, name, 'device'), zone: index + 1 }))
  suite = await start({ config: { object: { devices } } })
  client = await login(suite.urls, suite.demo)
})

afterAll(async () => {
  await suite?.close()
  await execa('umount', ['--lazy', slow], { reject: false })
  rmSync(folder, { recursive: true })
})

/** Freezes the device for some seconds, by a process of its own: nothing stays frozen when the test fails. */
async function freeze(seconds: number): Promise<{ thawed: Promise<unknown> }> {
  const script = `fsfreeze --freeze "$0" && echo frozen && sleep ${seconds}; fsfreeze --unfreeze "$0"`
  const freezer = spawn('sh', ['-c', script, slow], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
  const thawed = once(freezer, 'exit')
  await once(freezer.stdout, 'data')
  return { thawed }
}

test('a device that is frozen for seconds now and then stops neither uploads nor the other services, nor ends the process', async () => {
  await client.must('object', 'PUT', '/box')
  const bodies = new Map<string, Buffer>()
  for (let round = 0; round < 3; round++) {
    const { thawed } = await freeze(3)
    const names = Array.from({ length: 4 }, (_, index) => `o${round}-${index}`)
    const began = performance.now()
    const puts = Promise.all(
      names.map(async (name) => {
        const body = randomBytes(300_000)
        bodies.set(name, body)
        return (await client.call('object', 'PUT', `/box/${name}`, { body })).status
      }),
    )
    const health = await fetch(new URL('/healthcheck', suite.urls.identity))
    expect([health.status, performance.now() - began < 2500]).toEqual([200, true])
    expect(await puts).toEqual([201, 201, 201, 201])
    await thawed
  }
  await sleep(1000)
  for (const [name, body] of bodies)
    expect((await client.call('object', 'GET', `/box/${name}`)).bytes.equals(body)).toBe(true)
  expect(() => process.kill(suite.pid, 0)).not.toThrow()
})
