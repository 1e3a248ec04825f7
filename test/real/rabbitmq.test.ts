import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, type Message, openBus } from '@hearth/bus'
import { busContract, newTopic, type Payload, survivesKills, until } from '@hearth/bus/contract'
import { silentLog } from '@hearth/core'
import { type Database, openDatabase } from '@hearth/database'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LabServer } from '../lab/daemon.ts'
import { startRabbitmq } from '../lab/rabbitmq.ts'

let server: LabServer
const context = { requestId: 'req-1', userId: null, projectId: null }

beforeAll(async () => {
  server = await startRabbitmq()
})
afterAll(() => server?.close())

async function open() {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-bus-'))
  const db = await openDatabase(`sqlite:${join(folder, 'bus.db')}`)
  return { db, drop: () => rm(folder, { recursive: true }) }
}

/** Runs `work` with two buses on one database, as two processes would have. */
async function withBuses(work: (tools: { db: Database; sending: Bus; serving: Bus }) => Promise<void>): Promise<void> {
  const { db, drop } = await open()
  const options = { database: db, log: silentLog, service: 'real', firstPauseMs: 50 }
  const [sending, serving] = [await openBus(server.url, options), await openBus(server.url, options)]
  try {
    await work({ db, sending, serving })
  } finally {
    await Promise.all([sending.close(1000), serving.close(1000)])
    await db.close()
    await drop()
  }
}

describe('RabbitMQ', () => busContract({ url: () => server.url, open }))

test('casts made while the broker is away are delivered when it is back', async () => {
  await withBuses(async ({ db, sending, serving }) => {
    const topic = newTopic('cast')
    const got: number[] = []
    await serving.serve(topic, 'here', async ({ payload }) => got.push(payload.n))
    await db.transaction((tx) => sending.cast(tx, topic, 'here', { n: 0 }, context))
    await until(() => got.length === 1)
    // RabbitMQ 3.10 itself needs a moment to make the queue's registration durable.
    await new Promise((resolve) => setTimeout(resolve, 2000))
    await server.stop('SIGKILL')
    for (let n = 1; n <= 20; n += 1) await db.transaction((tx) => sending.cast(tx, topic, 'here', { n }, context))
    await server.start()
    await until(() => new Set(got).size === 21, 60_000)
    await db.transaction((tx) => sending.cast(tx, topic, 'here', { n: 21 }, context))
    await until(() => got.includes(21))
  })
})

test('a handler at work while the broker restarts is not started a second time', async () => {
  await withBuses(async ({ db, sending, serving }) => {
    const topic = newTopic('cast')
    const got: Message<Payload>[] = []
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    await serving.serve(topic, 'here', async (message) => {
      got.push(message)
      if (message.payload.n === 1) await released
    })
    await db.transaction((tx) => sending.cast(tx, topic, 'here', { n: 1 }, context))
    await until(() => got.length === 1)
    await server.stop()
    await server.start()
    await db.transaction((tx) => sending.cast(tx, topic, 'here', { n: 2 }, context))
    await until(() => got.some(({ payload }) => payload.n === 2), 60_000)
    release()
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(got.filter(({ payload }) => payload.n === 1)).toHaveLength(1)
  })
})

test('calls and fanouts work again after the broker was away', async () => {
  await withBuses(async ({ sending, serving }) => {
    const [call, fanout] = [newTopic<number>('call'), newTopic('fanout')]
    let told = 0
    await serving.serve(call, 'here', async ({ payload }) => payload.n + 1)
    await serving.serve(fanout, '', async () => {
      told += 1
    })
    expect(await sending.call(call, 'here', { n: 1 }, context)).toBe(2)
    await server.stop('SIGKILL')
    sending.fanout(fanout, { n: 1 }, context)
    const answer = sending.call(call, 'here', { n: 2 }, context)
    const lost = answer.catch((error: unknown) => error)
    await server.start()
    expect([3, 502]).toContain(
      await lost.then((result) => (typeof result === 'number' ? result : (result as { status: number }).status)),
    )
    expect(await sending.call(call, 'here', { n: 3 }, context)).toBe(4)
    await until(() => {
      sending.fanout(fanout, { n: 1 }, context)
      return told > 0
    })
  })
})

test('a wrong password is refused at once, and is not in the error', async () => {
  const { db, drop } = await open()
  const url = server.url.replace(/hearth:[^@]*@/, 'hearth:wr0ng@')
  const options = { database: db, log: silentLog, service: 'real' }
  const error: unknown = await openBus(url, options).catch((reason: unknown) => reason)
  expect(String(error)).toContain('hearth:***@')
  expect(String(error)).not.toContain('wr0ng')
  await db.close()
  await drop()
})

test('no committed cast is lost when the process is killed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-bus-'))
  await survivesKills(`sqlite:${join(folder, 'bus.db')}`, server.url, 4)
  await rm(folder, { recursive: true })
})
