import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openCloud } from '../../for-tests/cloud.ts'

interface State {
  /** Name → md5 of the last acknowledged PUT, or null after an acknowledged DELETE. */
  acknowledged: Map<string, string | null>
  /** Names with a request under way when the process died: either outcome is right. */
  open: Set<string>
}

/** Runs the writer for some time and kills it without warning. */
async function writeAndKill(folder: string, milliseconds: number, state: State): Promise<void> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, '..', '..', 'for-tests', 'crash-writer.ts'), folder],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  let text = ''
  const ready = Promise.withResolvers<void>()
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    if (text.startsWith('ready\n')) ready.resolve()
  })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  await Promise.race([ready.promise, exited])
  await new Promise((resolve) => setTimeout(resolve, milliseconds))
  child.kill('SIGKILL')
  await exited
  for (const line of text.slice(0, text.lastIndexOf('\n')).split('\n').slice(1)) {
    const [word, name = '', md5 = ''] = line.split(' ')
    if (word === 'try') state.open.add(name)
    else {
      state.open.delete(name)
      state.acknowledged.set(name, word === 'put' ? md5 : null)
    }
  }
}

test('after kill -9 every acknowledged write is there, listed once, and no file is left over', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'swift-crash-'))
  const state: State = { acknowledged: new Map(), open: new Set() }
  for (const milliseconds of [150, 400, 900]) await writeAndKill(folder, milliseconds, state)
  expect(state.acknowledged.size).toBeGreaterThan(20)
  const cloud = await openCloud({ folder, keepers: { intervals: { replicate: 100 } } })
  try {
    for (const [name, md5] of state.acknowledged) {
      if (state.open.has(name)) continue
      const response = await cloud.call('GET', `/crash/${name}`)
      expect([name, response.status]).toEqual([name, md5 === null ? 404 : 200])
      const body = Buffer.from(await response.arrayBuffer())
      if (md5 !== null) expect(createHash('md5').update(body).digest('hex')).toBe(md5)
    }
    await Promise.all([...cloud.storage.devices.values()].map((engine) => engine.swept))
    await new Promise((resolve) => setTimeout(resolve, 1000))
    await expectConsistent(cloud, folder)
  } finally {
    await cloud.close()
    await rm(folder, { recursive: true, force: true })
  }
}, 60_000)

/** Listing, counts and body files say the same on every device. */
async function expectConsistent(cloud: Awaited<ReturnType<typeof openCloud>>, folder: string): Promise<void> {
  const listed = (await (await cloud.call('GET', '/crash?format=json')).json()) as { name: string; bytes: number }[]
  const head = await cloud.call('HEAD', '/crash')
  expect(head.headers.get('x-container-object-count')).toBe(String(listed.length))
  expect(head.headers.get('x-container-bytes-used')).toBe(String(listed.reduce((sum, line) => sum + line.bytes, 0)))
  let large = 0
  for (const { name, bytes } of listed) {
    const response = await cloud.call('GET', `/crash/${name}`)
    expect((await response.arrayBuffer()).byteLength).toBe(bytes)
    if (bytes > 16384) large++
  }
  for (const device of ['sd1', 'sd2', 'sd3']) {
    const files = await readdir(join(folder, device, 'bodies'), { recursive: true, withFileTypes: true })
    expect([device, files.filter((entry) => entry.isFile()).length]).toEqual([device, large])
  }
}
