import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  addColumns,
  afterCommit,
  createTable,
  type Database,
  insertIfAbsent,
  isUniqueViolation,
  type Migration,
  migrate,
  move,
} from '../src/index.ts'

export { provesIdempotent } from './migrations.ts'

interface DatabaseContract {
  /** Opens an empty database, and the same one again (another connection pool) with `again`. */
  open(): Promise<{ db: Database; again?: () => Promise<Database>; drop(): Promise<void> }>
}

const states = { creating: ['available', 'error'], available: ['deleting'], error: ['deleting'], deleting: [] }

const things: Migration = {
  name: '0001-things',
  async up(tx) {
    await createTable(tx, 'contract_things', (columns) => {
      columns.string('id', 36).primary()
      columns.string('name').nullable().unique()
      columns.string('status', 32).notNullable().defaultTo('creating')
      columns.bigInteger('size').nullable()
      columns.boolean('shared').notNullable().defaultTo(false)
      columns.text('properties').nullable()
      columns.bigInteger('updated_at').nullable()
    })
  },
}

/** Tests of what every engine must do. Call it at the top of a test file. */
export function databaseContract({ open }: DatabaseContract): void {
  let db: Database
  let again: (() => Promise<Database>) | undefined
  let drop: () => Promise<void>

  beforeEach(async () => {
    const opened = await open()
    db = opened.db
    again = opened.again
    drop = opened.drop
    await migrate(db, 'contract', [things])
  })
  afterEach(async () => {
    await db.close()
    await drop()
  })

  const insert = (id: string, more: Record<string, unknown> = {}) => db.query('contract_things').insert({ id, ...more })
  const find = (id: string) => db.query('contract_things').where({ id }).first()

  valuesContract(() => ({ db, insert, find }))
  transactionsContract(() => ({ db, insert, find }))
  migrationsContract(() => ({ db, again }))
}

interface Tools {
  db: Database
  insert(id: string, more?: Record<string, unknown>): PromiseLike<unknown>
  find(id: string): PromiseLike<Record<string, unknown> | undefined>
}

function valuesContract(tools: () => Tools): void {
  test('big integers, sums and counts read back as numbers', async () => {
    const { db, insert, find } = tools()
    const size = 2 ** 52 + 1
    await insert('a', { size })
    expect((await find('a'))?.size).toBe(size)
    expect(await db.query('contract_things').sum('size as total').count('* as count').first()).toEqual({
      total: size,
      count: 1,
    })
  })

  test('text keeps every character of Unicode, and comparing and LIKE heed case', async () => {
    const { db, insert, find } = tools()
    await insert('a', { name: 'Ünïcode 🔥 ', properties: JSON.stringify({ a: '\u0000 "quoted" 🐟' }) })
    await insert('b', { name: 'ünïcode 🔥' })
    expect((await find('a'))?.name).toBe('Ünïcode 🔥 ')
    expect(JSON.parse(String((await find('a'))?.properties))).toEqual({ a: '\u0000 "quoted" 🐟' })
    expect(await db.query('contract_things').where('name', 'like', 'Ü%').pluck('id')).toEqual(['a'])
    expect(await db.query('contract_things').where('name', 'like', 'ABC%').pluck('id')).toEqual([])
  })

  test('booleans are stored and found', async () => {
    const { db, insert, find } = tools()
    await insert('a', { shared: true })
    await insert('b')
    expect([Boolean((await find('a'))?.shared), Boolean((await find('b'))?.shared)]).toEqual([true, false])
    expect(await db.query('contract_things').where({ shared: true }).pluck('id')).toEqual(['a'])
  })

  test('a unique violation is recognised, another failure is not taken for one', async () => {
    const { db, insert } = tools()
    await insert('a', { name: 'same' })
    const double = await Promise.resolve(insert('b', { name: 'same' })).catch((error: unknown) => error)
    const sameId = await Promise.resolve(insert('a')).catch((error: unknown) => error)
    const noTable = await db.query('contract_nothing').catch((error: unknown) => error)
    expect([double, sameId, noTable].map(isUniqueViolation)).toEqual([true, true, false])
  })

  test('an error tells the statement but none of its values, which may be secret', async () => {
    const { insert } = tools()
    await insert('a', { name: 'hunter2' })
    for (const failing of [insert('b', { name: 'hunter2' }), insert('c', { status: null, properties: 'hunter2' })]) {
      const error: unknown = await Promise.resolve(failing).catch((reason: unknown) => reason)
      expect(String(error)).toContain('contract_things')
      expect(JSON.stringify({ ...(error as object), message: String(error) })).not.toContain('hunter2')
    }
  })

  test('a row is inserted only when it is absent, and the transaction goes on', async () => {
    const { db, find } = tools()
    const results = await db.transaction(async (tx) => {
      const first = await insertIfAbsent(tx, 'contract_things', { id: 'a', name: 'one' })
      const second = await insertIfAbsent(tx, 'contract_things', { id: 'b', name: 'one' })
      await tx('contract_things').insert({ id: 'c' })
      return [first, second]
    })
    expect(results).toEqual([true, false])
    expect([await find('b'), (await find('c'))?.id]).toEqual([undefined, 'c'])
  })

  test('a status moves only as its table allows, and only one of many wins', async () => {
    const { db, insert, find } = tools()
    await insert('a', { size: 1 })
    const to = (status: string, set?: Record<string, unknown>) =>
      move(db.query, { table: 'contract_things', id: 'a', to: status, states, ...(set ? { set } : {}) })
    expect(await to('deleting')).toBe(false)
    const winners = await Promise.all(Array.from({ length: 8 }, () => to('available', { size: 2 })))
    expect(winners.filter(Boolean)).toHaveLength(1)
    expect(await find('a')).toMatchObject({ status: 'available', size: 2 })
    expect(Number((await find('a'))?.updated_at)).toBeGreaterThan(Date.now() - 60_000)
    expect(await move(db.query, { table: 'contract_things', id: 'none', to: 'error', states })).toBe(false)
    await expect(
      move(db.query, { table: 'contract_things', id: 'a', to: 'available', from: 'deleting', states }),
    ).rejects.toThrow('do not allow "deleting" to become "available"')
  })

  test('an update of a row to what it already holds still counts it', async () => {
    const { db, insert } = tools()
    await insert('a', { size: 1 })
    expect(await db.query('contract_things').where({ id: 'a' }).update({ size: 1 })).toBe(1)
  })
}

function transactionsContract(tools: () => Tools): void {
  test('a transaction that throws leaves nothing behind, and its commit listeners are not told', async () => {
    const { db, find } = tools()
    const told: string[] = []
    const work = db.transaction(async (tx) => {
      afterCommit(tx, () => told.push('rolled back'))
      await tx('contract_things').insert({ id: 'a' })
      throw new Error('no')
    })
    await expect(work).rejects.toThrow('no')
    expect(await find('a')).toBeUndefined()
    expect(told).toEqual([])
  })

  test('commit listeners are told after the commit, from a nested transaction too', async () => {
    const { db, find } = tools()
    const told: Promise<unknown>[] = []
    await db.transaction(async (tx) => {
      await tx.transaction(async (nested) => {
        await nested('contract_things').insert({ id: 'a' })
        afterCommit(nested, () => told.push(Promise.resolve(find('a'))))
      })
      expect(told).toHaveLength(0)
    })
    expect(await Promise.all(told)).toMatchObject([{ id: 'a' }])
  })

  test('concurrent transactions on one row lose no update', async () => {
    const { db, insert, find } = tools()
    await insert('a', { size: 0 })
    const add = () =>
      db.transaction(async (tx) => {
        await tx('contract_things').where({ id: 'a' }).increment('size', 1)
      })
    await Promise.all(Array.from({ length: 40 }, add))
    expect((await find('a'))?.size).toBe(40)
  })

  test('transactions which lock two rows in opposite order all succeed in the end', async () => {
    const { db, insert, find } = tools()
    await insert('a', { size: 0 })
    await insert('b', { size: 0 })
    const addBoth = (first: string, second: string) =>
      db.transaction(async (tx) => {
        await tx('contract_things').where({ id: first }).increment('size', 1)
        await new Promise((resolve) => setTimeout(resolve, 5))
        await tx('contract_things').where({ id: second }).increment('size', 1)
      })
    await Promise.all(Array.from({ length: 4 }, (_, at) => (at % 2 ? addBoth('a', 'b') : addBoth('b', 'a'))))
    expect([(await find('a'))?.size, (await find('b'))?.size]).toEqual([4, 4])
  }, 30_000)
}

function migrationsContract(tools: () => { db: Database; again: (() => Promise<Database>) | undefined }): void {
  const more: Migration = {
    name: '0002-colour',
    async up(tx) {
      await addColumns(tx, 'contract_things', { colour: (columns) => columns.string('colour').defaultTo('red') })
    },
  }

  test('migrations run once, in order, and later ones are added', async () => {
    const { db } = tools()
    expect(await migrate(db, 'contract', [things])).toEqual([])
    expect(await migrate(db, 'contract', [things, more])).toEqual(['0002-colour'])
    expect(await migrate(db, 'contract', [things, more])).toEqual([])
    expect(await db.query.schema.hasColumn('contract_things', 'colour')).toBe(true)
  })

  test('a migration that fails is named, and runs again next time', async () => {
    const { db } = tools()
    let healthy = false
    const flaky: Migration = {
      name: '0002-flaky',
      async up(tx) {
        await createTable(tx, 'contract_more', (columns) => columns.string('id', 36).primary())
        if (!healthy) throw new Error('the power went')
      },
    }
    await expect(migrate(db, 'contract', [things, flaky])).rejects.toThrow('contract/0002-flaky')
    healthy = true
    expect(await migrate(db, 'contract', [things, flaky])).toEqual(['0002-flaky'])
  })

  test('several processes migrating at once apply each migration once', async () => {
    const { db, again } = tools()
    if (!again) return
    let runs = 0
    const counted: Migration = {
      name: '0003-counted',
      async up(tx) {
        runs += 1
        await createTable(tx, 'contract_counted', (columns) => columns.string('id', 36).primary())
      },
    }
    const others = await Promise.all([again(), again(), again()])
    try {
      await Promise.all([db, ...others].map((one) => migrate(one, 'contract', [things, more, counted])))
      expect(runs).toBe(1)
    } finally {
      await Promise.all(others.map((one) => one.close()))
    }
  })
}
