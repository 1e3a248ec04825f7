import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('a body file that a slow device opens after the upload went on without it is closed and removed', async () => {
  const child = spawn(
    process.execPath,
    ['--expose-gc', join(import.meta.dirname, '..', 'for-tests', 'late-stage-process.ts')],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  const code = await new Promise((resolve) => child.once('exit', resolve))
  expect(output).toBe('status 201\nfiles 2\n')
  expect(code).toBe(0)
})
