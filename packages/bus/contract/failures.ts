import { HearthError } from '@hearth/core'
import { expect, test } from 'vitest'
import type { Message } from '../src/index.ts'
import { context, newTopic, type Payload, type Tools, until } from './tools.ts'

/** Tests of failing handlers that every bus must pass. */
export function failureContract({ openAnother, send, left }: Tools): void {
  test('a cast whose handler breaks is delivered again with the same id and growing pauses', async () => {
    const bus = await openAnother()
    const topic = newTopic('cast')
    const got: { message: Message<Payload>; at: number }[] = []
    await bus.serve(topic, 'here', async (message) => {
      got.push({ message, at: performance.now() })
      if (got.length < 4) throw new TypeError('a bug')
    })
    await send(bus, topic, 'here', 1)
    await until(() => got.length === 4, 30_000)
    expect(got.map(({ message }) => message.attempt)).toEqual([1, 2, 3, 4])
    expect(new Set(got.map(({ message }) => message.id)).size).toBe(1)
    const pauses = got.slice(1).map(({ at }, index) => at - (got[index]?.at ?? 0))
    expect(pauses.map((pause, index) => pause >= 20 * 2 ** index - 2)).toEqual([true, true, true])
    await until(async () => (await left()) === 0)
  })

  test('a cast which its handler refuses with a known error is not delivered again', async () => {
    const bus = await openAnother()
    const topic = newTopic('cast')
    let deliveries = 0
    await bus.serve(topic, 'here', async () => {
      deliveries += 1
      throw new HearthError({ code: 'VolumeNotFound', status: 404, message: 'gone' })
    })
    await send(bus, topic, 'here', 1)
    await until(async () => deliveries > 0 && (await left()) === 0)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(deliveries).toBe(1)
  })

  test('one bad message does not hold up the others', async () => {
    const bus = await openAnother({ firstPauseMs: 60_000 })
    const topic = newTopic('cast')
    const got: number[] = []
    await bus.serve(topic, 'here', async ({ payload }) => {
      if (payload.n === 0) throw new Error('poison')
      got.push(payload.n)
    })
    for (let n = 0; n < 100; n += 1) await send(bus, topic, 'here', n)
    await until(() => got.length === 99)
    await until(async () => (await left()) === 1)
  })

  test('closing waits for handlers at work', async () => {
    const bus = await openAnother()
    const topic = newTopic('cast')
    let [begun, done] = [false, false]
    await bus.serve(topic, 'here', async () => {
      begun = true
      await new Promise((resolve) => setTimeout(resolve, 200))
      done = true
    })
    await send(bus, topic, 'here', 1)
    await until(() => begun)
    await bus.close()
    expect(done).toBe(true)
    expect(await left()).toBe(0)
  })

  test('what was not finished when the bus closed is delivered again with the same id', async () => {
    const topic = newTopic('cast')
    const ids: string[] = []
    const first = await openAnother()
    await first.serve(topic, 'here', async ({ id }) => {
      ids.push(id)
      await new Promise((resolve) => setTimeout(resolve, 60_000).unref())
    })
    await send(first, topic, 'here', 1)
    await until(() => ids.length > 0)
    await first.close(50)
    const second = await openAnother()
    const got: Message<Payload>[] = []
    await second.serve(topic, 'here', async (message) => got.push(message))
    await until(() => got.length > 0)
    expect(got[0]?.id).toBe(ids[0])
    expect(got[0]?.attempt).toBeGreaterThan(1)
  })

  test('a payload that breaks its schema is not sent', async () => {
    const bus = await openAnother()
    const [cast, call] = [newTopic('cast'), newTopic('call')]
    const wrong = { n: 'seven' } as unknown as Payload
    await expect(send(bus, cast, 'here', 1.5)).rejects.toThrow('payload/n must be integer')
    await expect(bus.call(call, 'here', wrong, context)).rejects.toThrow('payload/n must be integer')
    expect(await left()).toBe(0)
  })
}
