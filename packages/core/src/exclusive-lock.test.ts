import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { takeExclusiveLock } from './exclusive-lock.ts'

let folder: string
let holder: ChildProcess | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'))
})
afterEach(() => {
  holder?.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

/** A process that takes the lock and keeps it until it is killed. */
async function holdElsewhere(file: string): Promise<ChildProcess> {
  const module = JSON.stringify(new URL('./exclusive-lock.ts', import.meta.url).href)
  const code = `const { takeExclusiveLock } = await import(${module})
    globalThis.lock = await takeExclusiveLock(${JSON.stringify(file)})
    console.log('held'); setInterval(() => undefined, 1000)`
  holder = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(holder.stdout!, 'data')
  return holder
}

test('a second process is refused with the pid of the first', async () => {
  const file = join(folder, 'lock')
  const { pid } = await holdElsewhere(file)
  const refused = await takeExclusiveLock(file).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'Locked', params: { pid }, message: `${file} is used by process ${pid}` })
})

test('a process killed without warning leaves no lock behind', async () => {
  const file = join(folder, 'lock')
  const first = await holdElsewhere(file)
  first.kill('SIGKILL')
  await once(first, 'exit')
  const lock = await takeExclusiveLock(file)
  lock.release()
})

test('a second caller of the same process is refused too, and does not free the lock of the first', async () => {
  const file = join(folder, 'lock')
  const lock = await takeExclusiveLock(file)
  await expect(takeExclusiveLock(file)).rejects.toMatchObject({ code: 'Locked', params: { pid: process.pid } })
  await expect(takeExclusiveLock(file)).rejects.toMatchObject({ code: 'Locked' })
  lock.release()
  lock.release()
  const next = await takeExclusiveLock(file)
  next.release()
})

test('only the owner of the process may read the lock file, whatever the umask', async () => {
  const before = process.umask(0)
  try {
    const lock = await takeExclusiveLock(join(folder, 'lock'))
    expect(statSync(join(folder, 'lock')).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'lock.owner')).mode & 0o777).toBe(0o600)
    lock.release()
  } finally {
    process.umask(before)
  }
})

test('a folder that is not there is the error of the system, not a lock', async () => {
  await expect(takeExclusiveLock(join(folder, 'missing', 'lock'))).rejects.not.toMatchObject({ code: 'Locked' })
})
