import { silentLog } from '@hearth/core'
import type { Database } from '@hearth/database'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Bus, type BusOptions, type Message, openBus } from '../src/index.ts'
import { callContract, fanoutContract } from './calls.ts'
import { failureContract } from './failures.ts'
import { context, newTopic, type Payload, type Tools, until } from './tools.ts'

export { survivesKills } from './kill.ts'
export { context, newTopic, type Payload, until } from './tools.ts'

interface BusContract {
  /** The bus to open. Each test uses topics of its own. */
  url(): string
  /** Opens an empty database. */
  open(): Promise<{ db: Database; drop(): Promise<void> }>
}

/** Tests of what every bus must do. Call it at the top of a test file. */
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

const sender =
  (db: () => Database): Tools['send'] =>
  (bus, topic, target, n) =>
    db().transaction((tx) => bus.cast(tx, topic, target, { n }, context))

async function leftIn(db: Database): Promise<number> {
  const row = await db.query('bus_outbox').count('* as count').first()
  return Number(row?.count)
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
