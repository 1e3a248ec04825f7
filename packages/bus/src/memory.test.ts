import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '@hearth/core'
import { openDatabase } from '@hearth/database'
import { provesIdempotent } from '@hearth/database/contract'
import { describe, expect, test } from 'vitest'
import { busContract, newTopic, type Payload, survivesKills, until } from '../contract/bus.ts'
import { type Message, migrations, openBus } from './index.ts'

const context = { requestId: 'req-1', userId: null, projectId: null }

async function openFile() {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-bus-'))
  const url = `sqlite:${join(folder, 'bus.db')}`
  return { db: await openDatabase(url), url, drop: () => rm(folder, { recursive: true }) }
}

describe('the memory bus', () => busContract({ url: () => 'memory:contract', open: openFile }))

test('the outbox migrations bear repetition', async () => {
  const db = await openDatabase('sqlite::memory:')
  await provesIdempotent(db, 'bus', migrations)
  await db.close()
})

test('a backlog of thousands, left by an earlier process, is delivered whole and once', async () => {
  const { db, drop } = await openFile()
  const topic = newTopic('cast')
  const before = await openBus('memory:before', { database: db, log: silentLog, service: 'backlog' })
  await db.transaction(async (tx) => {
    for (let n = 0; n < 2500; n += 1) await before.cast(tx, topic, 'here', { n }, context)
  })
  await before.close()
  await new Promise((resolve) => setTimeout(resolve, 5))
  const after = await openBus('memory:after', { database: db, log: silentLog, service: 'backlog' })
  const got: Message<Payload>[] = []
  await after.serve(topic, 'here', async (message) => got.push(message))
  await until(() => got.length >= 2500)
  await after.close()
  expect(new Set(got.map(({ payload }) => payload.n)).size).toBe(2500)
  expect(got).toHaveLength(2500)
  expect(new Set(got.map(({ attempt }) => attempt))).toEqual(new Set([2]))
  await db.close()
  await drop()
})

test('what a handler does to a payload stays with it, and undefined is left out as on a wire', async () => {
  const { db, drop } = await openFile()
  const bus = await openBus('memory:copies', { database: db, log: silentLog, service: 'copies' })
  const topic = { name: 'copies.ask', kind: 'call', payload: { type: 'object' } } as const
  await bus.serve(topic, 'here', async ({ payload }) => {
    const seen = payload as Record<string, unknown>
    seen.changed = true
    return Object.keys(seen)
  })
  const payload = { kept: 1, absent: undefined }
  expect(await bus.call(topic, 'here', payload, context)).toEqual(['kept', 'changed'])
  expect(payload).toEqual({ kept: 1, absent: undefined })
  await bus.close()
  await db.close()
  await drop()
})

test('no committed cast is lost when the process is killed', async () => {
  const { db, url, drop } = await openFile()
  await db.close()
  await survivesKills(url, 'memory:', 6)
  await drop()
})
