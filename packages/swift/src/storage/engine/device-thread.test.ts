import { silentLog } from '@hearth/core'
import { expect, test } from 'vitest'
import { openDeviceThread } from './device-thread.ts'

test('a thread that dies fails what it was asked, and is started again', async () => {
  const thread = await openDeviceThread({
    ...{ entry: new URL('../../for-tests/thread.ts', import.meta.url), folder: 'none', log: silentLog, gather: false },
    onBroken: () => undefined,
  })
  try {
    expect(await thread.ask('echo', 1)).toBe(1)
    await expect(thread.ask('die', null)).rejects.toMatchObject({ kind: 'offline' })
    await expect(thread.ask('echo', 2)).rejects.toMatchObject({ kind: 'offline' })
    let answer: unknown
    while (answer !== 3) {
      answer = await thread.ask('echo', 3).catch(() => null)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  } finally {
    await thread.close()
  }
})
