import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isDiskFull } from '@hearth/core'
import { describe, expect, test } from 'vitest'
import { databaseContract, provesIdempotent } from '../contract/database.ts'
import { createTable, type Migration, openDatabase } from './index.ts'

async function openFile() {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-database-'))
  const url = `sqlite:${join(folder, 'deeper', 'test.db')}`
  const db = await openDatabase(url)
  return { db, again: () => openDatabase(url), drop: () => rm(folder, { recursive: true }), folder }
}

describe('a SQLite file', () => databaseContract({ open: openFile }))

describe('SQLite in memory', () => {
  databaseContract({ open: async () => ({ db: await openDatabase('sqlite::memory:'), drop: async () => undefined }) })
})

test('the file is readable by its owner only', async () => {
  const { db, drop, folder } = await openFile()
  expect((await stat(join(folder, 'deeper', 'test.db'))).mode & 0o777).toBe(0o600)
  await db.close()
  await drop()
})

test('every commit is synced, foreign keys hold, and the journal is a WAL', async () => {
  const { db, drop } = await openFile()
  const pragma = async (name: string) => Object.values((await db.query.raw(`pragma ${name}`))[0] as object)[0]
  expect([await pragma('synchronous'), await pragma('foreign_keys'), await pragma('journal_mode')]).toEqual([
    2,
    1,
    'wal',
  ])
  await db.close()
  await drop()
})

test('asking the pool inside a transaction is an error, not a wait', async () => {
  const { db, drop } = await openFile()
  const inside = db.transaction(async () => await db.query.raw('select 1'))
  await expect(inside).rejects.toThrow('pass tx on')
  expect(await db.query.raw('select 1 as one')).toEqual([{ one: 1 }])
  await db.close()
  await drop()
})

test('a query compiled before a column was added sees the column', async () => {
  const { db, drop } = await openFile()
  await db.query.schema.createTable('rows', (columns) => columns.string('id'))
  await db.query('rows').insert({ id: 'a' })
  await db.query('rows').select('*')
  await db.query.schema.alterTable('rows', (columns) => columns.string('more').defaultTo('x'))
  expect(await db.query('rows').select('*')).toEqual([{ id: 'a', more: 'x' }])
  await db.close()
  await drop()
})

test('a long queue of transactions lets timers run in between', async () => {
  const { db, drop } = await openFile()
  await db.query.schema.createTable('rows', (columns) => columns.integer('id'))
  let turns = 0
  const timer = setInterval(() => (turns += 1), 1)
  await Promise.all(Array.from({ length: 300 }, (_, id) => db.transaction(async (tx) => tx('rows').insert({ id }))))
  clearInterval(timer)
  expect(turns).toBeGreaterThan(2)
  await db.close()
  await drop()
})

test('a full disk fails the transaction that met it, and the next that fits succeeds', async () => {
  const { db, drop } = await openFile()
  await db.query.schema.createTable('rows', (columns) => columns.text('body'))
  const pages = Number(Object.values((await db.query.raw('pragma page_count'))[0] as object)[0])
  await db.query.raw(`pragma max_page_count = ${pages + 10}`)
  const big = db.transaction(async (tx) => {
    for (let n = 0; n < 100; n += 1) await tx('rows').insert({ body: 'x'.repeat(4000) })
  })
  expect(isDiskFull(await big.catch((error: unknown) => error))).toBe(true)
  const stubborn = db.transaction(async (tx) => {
    await tx('rows')
      .insert({ body: 'x'.repeat(100_000) })
      .catch(() => undefined)
    await tx('rows').insert({ body: 'alone' })
  })
  await expect(stubborn).rejects.toThrow('rolled this transaction back')
  await db.transaction(async (tx) => tx('rows').insert({ body: 'small' }))
  expect(await db.query('rows').pluck('body')).toEqual(['small'])
  await db.close()
  await drop()
})

test('the proof of idempotence passes for migrations that bear it and fails for one that does not', async () => {
  const careful: Migration[] = [
    {
      name: '0001',
      async up(tx) {
        await createTable(tx, 'one', (columns) => {
          columns.string('id', 36).primary()
          columns.string('name').unique()
        })
        await createTable(tx, 'two', (columns) => columns.string('one_id', 36).references('one.id'))
      },
    },
  ]
  const careless: Migration[] = [
    { name: '0001', up: async (tx) => tx.schema.createTable('three', (columns) => columns.string('id')) },
  ]
  const db = await openDatabase('sqlite::memory:')
  await provesIdempotent(db, 'careful', careful)
  await expect(provesIdempotent(db, 'careless', careless)).rejects.toThrow('already exists')
  await db.close()
})

test('a database that cannot be opened is named without its password, with the key and what to do', async () => {
  for (const url of ['mysql://root:s3cret@127.0.0.1:9/x', 'postgres://root:s3cret@127.0.0.1:9/x']) {
    const error: unknown = await openDatabase(url).catch((reason: unknown) => reason)
    expect(String(error)).toMatch(/database \(HEARTH_DATABASE\).*:\*\*\*@.*ECONNREFUSED.*no server listens there/)
    expect(String(error)).not.toContain('s3cret')
  }
})

test.each([
  'oracle://u:s3cret@h/x',
  'mysql//u:s3cret@h/x',
  'mysql:u:s3cret@h/x',
  'mysql://u:s3cret@h',
  'mysql://u:s3cret',
  'sqlite:',
])('the URL %s is refused without being shown', async (url) => {
  const message = await openDatabase(url).catch((error: Error) => error.message)
  expect(message).toContain('database (HEARTH_DATABASE): it must be')
  expect(message).not.toContain('s3cret')
})

test('on a full disk a transaction and a statement get the space that was kept back', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'full-'))
  const disk = join(folder, 'disk')
  await mkdir(disk)
  const exec = promisify(execFile)
  await exec('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'hearth-test', disk])
  try {
    const db = await openDatabase(`sqlite:${join(disk, 'a.db')}`)
    await db.query.schema.createTable('rows', (columns) => columns.text('body'))
    const fill = () => exec('dd', ['if=/dev/zero', `of=${join(disk, 'foreign')}`, 'bs=4k']).catch(() => undefined)
    await fill()
    // More than the write-ahead log has room for already.
    await db.transaction(async (tx) => tx('rows').insert({ body: 'x'.repeat(500_000) }))
    await db.query('rows').delete()
    expect(await db.query('rows')).toEqual([])
    await db.close()
    expect(await readdir(disk)).not.toContain('a.db.reserve')
  } finally {
    await exec('umount', [disk])
    await rm(folder, { recursive: true })
  }
})
