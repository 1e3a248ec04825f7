import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { StorageError } from '../storage/errors.ts'
import { settle } from './quorum.ts'

const now = async <T>(value: T): Promise<T> => value

test('what arrives after the wait has ended is released, once, and what arrived in time is not', async () => {
  const late = Promise.withResolvers<string>()
  const released: string[] = []
  const release = (value: string) => released.push(value)
  const outcomes = await settle([now('a'), now('b'), late.promise], { patience: 1, release })
  expect(outcomes.map((outcome) => 'value' in outcome)).toEqual([true, true, false])
  late.resolve('c')
  await turn()
  expect(released).toEqual(['c'])
})

test('a failure that arrives after the wait has ended harms nobody, nor does a release that fails', async () => {
  const late = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
  const release = () => Promise.reject(new Error('gone'))
  const work = [now('a'), now('b'), late[0]!.promise, late[1]!.promise]
  await settle(work, { replicas: 3, patience: 1, release })
  late[0]!.reject(new Error('too late'))
  late[1]!.resolve('late')
  await turn()
})

test('without a quorum all of the work is waited for', async () => {
  const slow = Promise.withResolvers<string>()
  const settled = settle([now('a'), Promise.reject(new StorageError('full', 'no space')), slow.promise], {
    patience: 1,
  })
  setTimeout(() => slow.resolve('b'), 20)
  expect((await settled).map((outcome) => ('value' in outcome ? outcome.value : outcome.error.kind))).toEqual([
    'a',
    'full',
    'b',
  ])
})
