import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DriverError } from './errors.ts'
import type { DriverLog } from './log.ts'
import { openRunner } from './runner.ts'

const lines: string[] = []
const keep = (details: object, message: string) => lines.push(`${message} ${JSON.stringify(details)}`)
const log: DriverLog = { debug: keep, info: keep, warn: keep, error: keep }
const run = openRunner({ log })

async function failureOf(work: Promise<unknown>): Promise<DriverError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(DriverError)
  return error as DriverError
}

test('arguments reach the command as they are, without a shell', async () => {
  const hostile = `$(id); 'a' "b" | \n *`
  expect((await run(['printf', '%s', hostile])).stdout).toBe(hostile)
})

test('commands speak the C locale and find system tools', async () => {
  expect((await run(['sh', '-c', 'echo $LC_ALL; command -v losetup'])).stdout).toMatch(/^C\n\/.*losetup\n$/)
})

test('an exit code is a failure unless it is allowed', async () => {
  const error = await failureOf(run(['sh', '-c', 'echo broken >&2; exit 3']))
  expect(error).toMatchObject({ kind: 'failed', message: expect.stringContaining('exit code 3: broken') })
  expect(await run(['sh', '-c', 'echo out; exit 3'], { allow: [0, 3] })).toMatchObject({ exitCode: 3, stdout: 'out\n' })
})

test('a full disk is told apart', async () => {
  const error = await failureOf(run(['sh', '-c', 'echo "write: No space left on device" >&2; exit 1']))
  expect(error.kind).toBe('no-space')
})

test('a command that hangs ends at its time-out', async () => {
  expect((await failureOf(run(['sleep', '30'], { timeout: 50 }))).kind).toBe('unavailable')
})

test('the longest time-out that a timer can wait is no shorter with the time to end', async () => {
  expect((await run(['sh', '-c', 'sleep 0.1; echo done'], { timeout: 2 ** 31 - 1 })).stdout).toBe('done\n')
})

test('an abort ends the command, and one that is already there prevents it', async () => {
  const aborter = new AbortController()
  const running = failureOf(run(['sleep', '30'], { signal: aborter.signal }))
  setTimeout(() => aborter.abort(), 30)
  expect((await running).kind).toBe('aborted')
  expect((await failureOf(run(['touch', '/nowhere/x'], { signal: aborter.signal }))).kind).toBe('aborted')
})

test.each(['abort', 'time-out'])(
  'after its %s a command is not waited for that left its output to others',
  async (end) => {
    const folder = await mkdtemp(join(tmpdir(), 'hearth-runner-'))
    const file = join(folder, 'pid')
    const limits = end === 'abort' ? { signal: AbortSignal.timeout(300) } : { timeout: 300 }
    const error = await failureOf(run(['sh', '-c', 'setsid sleep 1000 & echo $! >"$0"; sleep 1000', file], limits))
    process.kill(Number(await readFile(file, 'utf8')))
    await rm(folder, { recursive: true })
    expect(error.kind).toBe(end === 'abort' ? 'aborted' : 'unavailable')
  },
)

test('a tool that is not installed is named', async () => {
  const error = await failureOf(run(['no-such-tool-here']))
  expect(error).toMatchObject({ kind: 'unsupported', message: 'The command no-such-tool-here is not on this host' })
})

test('secrets show neither in errors nor in the log', async () => {
  lines.length = 0
  const error = await failureOf(run(['sh', '-c', 'echo "bad: $0" >&2; exit 1', 'hunter2'], { secrets: ['hunter2'] }))
  const everything = [error.message, JSON.stringify(error), JSON.stringify(error.cause), ...lines].join('\n')
  expect(everything).not.toContain('hunter2')
  expect(everything).toContain('***')
})

test('a prefix comes before every command', async () => {
  const prefixed = openRunner({ log, prefix: ['env', 'WHO=prefix'] })
  expect((await prefixed(['sh', '-c', 'echo $WHO'])).stdout).toBe('prefix\n')
})
