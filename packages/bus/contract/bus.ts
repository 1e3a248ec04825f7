import { HearthError, silentLog, uuid } from '@hearth/core'
import type { Database } from '@hearth/database'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Bus, type BusOptions, type Message, openBus, type Topic } from '../src/index.ts'

export interface BusContract {
  /** The bus to open. Each test uses topics of its own. */
  url(): string
  /** Opens an empty database. */
  open(): Promise<{ db: Database; drop(): Promise<void> }>
}

export interface Payload {
  n: number
}
const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'], additionalProperties: false }
const context = { requestId: 'req-1', userId: 'user', projectId: 'project' }

/** What every bus must do alike. Call it at the top of a test file. */
export function busContract({ url, open }: BusContract): void {
  let db: Database
  let drop: () => Promise<void>
  let buses: Bus[]

  const openAnother = async (more: Partial<BusOptions> = {}): Promise<Bus> => {
    const bus = await openBus(url(), { database: db, log: silentLog, service: 'contract', firstPauseMs: 20, ...more })
    buses.push(bus)
    return bus
  }
  beforeEach(async () => {
    const opened = await open()
    db = opened.db
    drop = opened.drop
    buses = []
  })
  afterEach(async () => {
    await Promise.all(buses.map((bus) => bus.close(1000)))
    await db.close()
    await drop()
  })
  const tools = { openAnother, send: sender(() => db), left: () => leftIn(db), database: () => db }
  castContract(tools)
  failureContract(tools)
  callContract(tools)
  fanoutContract(tools)
}

interface Tools {
  openAnother(more?: Partial<BusOptions>): Promise<Bus>
  /** Casts `{ n }` in a transaction of its own. */
  send(bus: Bus, topic: Topic<Payload>, target: string, n: number): Promise<void>
  /** Rows in the outbox. */
  left(): Promise<number>
  database(): Database
}

const sender =
  (db: () => Database): Tools['send'] =>
  (bus, topic, target, n) =>
    db().transaction((tx) => bus.cast(tx, topic, target, { n }, context))

async function leftIn(db: Database): Promise<number> {
  const row = await db.query('bus_outbox').count('* as count').first()
  return Number(row?.count)
}

export function newTopic<R = unknown>(kind: Topic['kind']): Topic<Payload, R> {
  return { name: `contract.${uuid()}`, kind, payload: schema }
}

export async function until(done: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const end = Date.now() + ms
  while (!(await done())) {
    if (Date.now() > end) throw new Error('it did not come to pass in time')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function castContract({ openAnother, send, left, database }: Tools): void {
  test('a cast is delivered once, with its payload and context, and leaves the outbox', async () => {
    const bus = await openAnother()
    const topic = newTopic('cast')
    const got: Message<Payload>[] = []
    await bus.serve(topic, 'here', async (message) => got.push(message))
    await send(bus, topic, 'here', 7)
    await until(() => got.length > 0)
    expect(got).toMatchObject([{ payload: { n: 7 }, context, attempt: 1 }])
    await until(async () => (await left()) === 0)
    expect(got).toHaveLength(1)
  })

  test('a cast whose transaction is rolled back is never delivered', async () => {
    const bus = await openAnother()
    const topic = newTopic('cast')
    const got: number[] = []
    await bus.serve(topic, 'here', async ({ payload }) => got.push(payload.n))
    const failing = database().transaction(async (tx) => {
      await bus.cast(tx, topic, 'here', { n: 1 }, context)
      throw new Error('changed my mind')
    })
    await expect(failing).rejects.toThrow('changed my mind')
    await send(bus, topic, 'here', 2)
    await until(() => got.length > 0)
    expect(got).toEqual([2])
  })

  test('a cast sent before anyone serves waits for the first who does', async () => {
    const [sending, serving] = [await openAnother(), await openAnother()]
    const topic = newTopic('cast')
    await send(sending, topic, 'later', 1)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const got: number[] = []
    await serving.serve(topic, 'later', async ({ payload }) => got.push(payload.n))
    await until(() => got.length > 0)
    expect(got).toEqual([1])
  })

  test('a target gets only its own casts, and one of those serving it gets each', async () => {
    const [one, two] = [await openAnother(), await openAnother()]
    const topic = newTopic('cast')
    const got: [string, number][] = []
    await one.serve(topic, 'shared', async ({ payload }) => got.push(['one', payload.n]))
    await two.serve(topic, 'shared', async ({ payload }) => got.push(['two', payload.n]))
    await one.serve(topic, 'other', async ({ payload }) => got.push(['other', payload.n]))
    for (let n = 0; n < 20; n += 1) await send(one, topic, n === 9 ? 'other' : 'shared', n)
    await until(() => got.length >= 20)
    expect(got.map(([, n]) => n).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n))
    expect(got.filter(([who]) => who === 'other')).toEqual([['other', 9]])
  })

  test('200 casts at once are handled side by side, at most 64 of them, and soon', async () => {
    const bus = await openAnother()
    const topic = newTopic('cast')
    let running = 0
    let most = 0
    const started: number[] = []
    await bus.serve(topic, 'here', async () => {
      started.push(performance.now())
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setTimeout(resolve, 30))
      running -= 1
    })
    const begin = performance.now()
    await Promise.all(Array.from({ length: 200 }, (_, n) => send(bus, topic, 'here', n)))
    await until(() => started.length === 200)
    expect(most).toBeGreaterThan(8)
    expect(most).toBeLessThanOrEqual(64)
    expect((started[0] as number) - begin).toBeLessThan(1000)
    await until(async () => (await left()) === 0)
  })
}

function failureContract({ openAnother, send, left }: Tools): void {
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

function callContract({ openAnother }: Tools): void {
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

function fanoutContract({ openAnother, left }: Tools): void {
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
