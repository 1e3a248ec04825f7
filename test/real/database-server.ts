import { type Database, migrate, openDatabase } from '@hearth/database'
import { databaseContract, provesIdempotent } from '@hearth/database/contract'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DatabaseServer } from '../lab/mariadb.ts'
import { services } from '../lab/migrations.ts'

/** What every database server must bear, as tests of the file that calls this. */
export function databaseServerTests(name: string, start: () => Promise<DatabaseServer>): void {
  describe(name, () => {
    let server: DatabaseServer

    beforeAll(async () => {
      server = await start()
    })
    afterAll(() => server?.close())

    async function open() {
      const url = await server.createDatabase()
      return { db: await openDatabase(url), again: () => openDatabase(url), drop: async () => undefined }
    }

    databaseContract({ open })

    test.for(Object.entries(services))('the migrations of %s bear repetition', async ([service, migrations]) => {
      const db = await openDatabase(await server.createDatabase())
      await provesIdempotent(db, service, migrations)
      await db.close()
    })

    test('all services can share one database', async () => {
      const db = await openDatabase(await server.createDatabase())
      for (const [service, migrations] of Object.entries(services)) await migrate(db, service, migrations)
      for (const [service, migrations] of Object.entries(services))
        expect(await migrate(db, service, migrations)).toEqual([])
      await db.close()
    })

    test('a transaction cut off by a restart of the server is run again', async () => {
      const { db } = await open()
      await db.query.schema.createTable('rows', (columns) => columns.string('id', 36).primary())
      let attempts = 0
      await db.transaction(async (tx) => {
        attempts += 1
        await tx('rows').insert({ id: 'a' })
        if (attempts > 1) return
        await server.stop()
        await server.start()
      })
      expect(attempts).toBe(2)
      expect(await db.query('rows').pluck('id')).toEqual(['a'])
      await db.close()
    })

    test('what was committed is there after the server was killed', async () => {
      const { db } = await open()
      await db.query.schema.createTable('rows', (columns) => columns.string('id', 36).primary())
      await db.transaction(async (tx) => tx('rows').insert({ id: 'a' }))
      await server.stop('SIGKILL')
      await server.start()
      expect(await committedRows(db)).toEqual(['a'])
      await db.close()
    })
  })
}

async function committedRows(db: Database): Promise<string[]> {
  return db.transaction(async (tx) => tx('rows').pluck('id'))
}
