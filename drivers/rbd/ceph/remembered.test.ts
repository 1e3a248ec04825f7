import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openRemembered } from './remembered.ts'

test('an answer serves all who ask for its key within the time, and no longer', async () => {
  const remembered = openRemembered<number>(40)
  let asked = 0
  const ask = async () => {
    asked += 1
    return asked
  }
  const first = await Promise.all([remembered('a', ask), remembered('a', ask), remembered('b', ask)])
  expect(first).toEqual([1, 1, 2])
  await sleep(60)
  expect(await remembered('a', ask)).toBe(3)
})

test('a failure is asked for anew', async () => {
  const remembered = openRemembered<string>(60_000)
  await expect(remembered('a', () => Promise.reject(new Error('gone')))).rejects.toThrow('gone')
  expect(await remembered('a', async () => 'back')).toBe('back')
})
