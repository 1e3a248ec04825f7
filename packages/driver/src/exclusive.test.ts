import { expect, test } from 'vitest'
import { openExclusive } from './exclusive.ts'

test('work on one name runs in the order of the calls, even when some of it fails', async () => {
  const exclusive = openExclusive()
  const steps: string[] = []
  const work = (name: string) => async () => {
    steps.push(`${name} begins`)
    await new Promise(setImmediate)
    steps.push(`${name} ends`)
    if (name === 'first') throw new Error('failed')
    return name
  }
  const ends = await Promise.allSettled(['first', 'second', 'third'].map((name) => exclusive('volume', work(name))))
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  expect(ends[2]).toMatchObject({ value: 'third' })
  expect(steps).toEqual(['first', 'second', 'third'].flatMap((name) => [`${name} begins`, `${name} ends`]))
})

test('work on different names runs in parallel', async () => {
  const exclusive = openExclusive()
  let release: () => void = () => undefined
  const waiting = exclusive('one', () => new Promise<void>((resolve) => (release = resolve)))
  expect(await exclusive('two', async () => 'done')).toBe('done')
  release()
  await waiting
  expect(await exclusive('one', async () => 'done')).toBe('done')
})
