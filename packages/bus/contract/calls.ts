import { HearthError } from '@hearth/core'
import { expect, test } from 'vitest'
import { context, newTopic, type Payload, type Tools, until } from './tools.ts'

/** Tests of calls that every bus must pass. */
export function callContract({ openAnother }: Tools): void {
  test('a call is answered', async () => {
    const [asking, serving] = [await openAnother(), await openAnother()]
    const topic = newTopic<{ twice: number }>('call')
    await serving.serve(topic, 'here', async ({ payload }) => ({ twice: payload.n * 2 }))
    const answers = await Promise.all([1, 2, 3].map((n) => asking.call(topic, 'here', { n }, context)))
    expect(answers).toEqual([{ twice: 2 }, { twice: 4 }, { twice: 6 }])
  })

  test("a handler's error arrives with its code, status, message and params", async () => {
    const [asking, serving] = [await openAnother(), await openAnother()]
    const topic = newTopic('call')
    await serving.serve(topic, 'here', async () => {
      throw new HearthError({ code: 'OverLimit', status: 413, message: 'too much', params: { limit: 3 } })
    })
    const error: unknown = await asking.call(topic, 'here', { n: 1 }, context).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'OverLimit', status: 413, message: 'too much', params: { limit: 3 } })
  })

  test('an unknown error of a handler arrives without its details', async () => {
    const bus = await openAnother()
    const topic = newTopic('call')
    await bus.serve(topic, 'here', async () => {
      throw new Error('password=secret')
    })
    const error: unknown = await bus.call(topic, 'here', { n: 1 }, context).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'RemoteError', status: 500 })
    expect(String(error)).not.toContain('secret')
  })

  test('a call nobody answers in time fails as MessagingTimeout', async () => {
    const bus = await openAnother()
    const [nobody, slow] = [newTopic('call'), newTopic('call')]
    await bus.serve(slow, 'here', () => new Promise((resolve) => setTimeout(resolve, 400)))
    for (const topic of [nobody, slow]) {
      const error: unknown = await bus.call(topic, 'here', { n: 1 }, context, 150).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'MessagingTimeout', status: 502 })
    }
  })

  test('a call waits for someone to serve it', async () => {
    const [asking, serving] = [await openAnother(), await openAnother()]
    const topic = newTopic<number>('call')
    const answer = asking.call(topic, 'here', { n: 1 }, context, 10_000)
    await new Promise((resolve) => setTimeout(resolve, 100))
    await serving.serve(topic, 'here', async () => 5)
    expect(await answer).toBe(5)
  })
}

/** Tests of fanouts that every bus must pass. */
export function fanoutContract({ openAnother, left }: Tools): void {
  test('a fanout reaches every listener, whatever one of them does', async () => {
    const [one, two] = [await openAnother(), await openAnother()]
    const topic = newTopic('fanout')
    const got: string[] = []
    await one.serve(topic, '', async ({ payload }) => got.push(`one ${payload.n}`))
    await two.serve(topic, '', async ({ payload }) => {
      got.push(`two ${payload.n}`)
      throw new Error('broken listener')
    })
    one.fanout(topic, { n: 1 }, context)
    await until(() => got.length === 2)
    expect(got.sort()).toEqual(['one 1', 'two 1'])
    expect(await left()).toBe(0)
  })

  test('a fanout without listeners, or with a bad payload, does nothing', async () => {
    const bus = await openAnother()
    const topic = newTopic('fanout')
    bus.fanout(topic, { n: 1 }, context)
    bus.fanout(topic, { n: 'x' } as unknown as Payload, context)
    await new Promise((resolve) => setTimeout(resolve, 50))
  })
}
