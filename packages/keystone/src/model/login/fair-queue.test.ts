import { commonErrors } from '@hearth/core'
import { expect, test } from 'vitest'
import { openFairQueue } from './fair-queue.ts'

const refuse = () => commonErrors.ServiceUnavailable({ reason: 'full' })

/** A queue that runs one job at a time; `finishOne` ends the job. */
function controlled(waiting: number) {
  const queue = openFairQueue({ atOnce: 1, waiting, refuse })
  const begun: string[] = []
  const refused: string[] = []
  let end = Promise.withResolvers<void>()
  const ask = (owner: string): void => {
    queue
      .run(owner, () => {
        begun.push(owner)
        return end.promise
      })
      .catch(() => refused.push(owner))
  }
  const drain = () => new Promise((done) => setImmediate(done))
  return {
    begun,
    refused,
    ask,
    async finishOne() {
      const ended = end
      end = Promise.withResolvers<void>()
      ended.resolve()
      await drain()
    },
    drain,
  }
}

test('owners take turns, however many requests each has', async () => {
  const queue = controlled(10)
  for (const owner of ['crowd', 'crowd', 'crowd', 'crowd', 'guest']) queue.ask(owner)
  await queue.drain()
  for (let turn = 0; turn < 4; turn++) await queue.finishOne()
  expect(queue.begun).toEqual(['crowd', 'crowd', 'guest', 'crowd', 'crowd'])
})

test('a full queue refuses the owner with the most requests, and accepts other owners', async () => {
  const queue = controlled(3)
  for (let count = 0; count < 6; count++) queue.ask('crowd')
  await queue.drain()
  expect(queue.refused).toEqual(['crowd', 'crowd'])
  queue.ask('guest')
  await queue.drain()
  expect(queue.refused).toEqual(['crowd', 'crowd', 'crowd'])
  await queue.finishOne()
  await queue.finishOne()
  expect(queue.begun).toEqual(['crowd', 'crowd', 'guest'])
})

test('a new owner is refused when all owners have the same number of requests, and failed work frees its slot', async () => {
  const queue = openFairQueue({ atOnce: 1, waiting: 1, refuse })
  const first = Promise.withResolvers<void>()
  const running = queue.run('a', () => first.promise)
  const waiting = queue.run('b', async () => 'served')
  await expect(queue.run('c', async () => 'never')).rejects.toMatchObject({ status: 503 })
  first.reject(new Error('failed'))
  await expect(running).rejects.toThrow('failed')
  expect(await waiting).toBe('served')
  expect(await queue.run('c', async () => 'later')).toBe('later')
})
