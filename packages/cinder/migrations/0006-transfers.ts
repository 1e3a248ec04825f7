import { createTable, type Migration } from '@hearth/database'

/** Volumes offered to other projects. */
export const transfers: Migration = {
  name: '0006-transfers',
  async up(tx) {
    await createTable(tx, 'volume_transfers', (table) => {
      table.string('id', 36).primary()
      table.string('volume_id', 36).notNullable().index()
      table.string('name', 255)
      table.string('salt', 32).notNullable()
      table.string('key_hash', 64).notNullable()
      table.boolean('no_snapshots').notNullable()
      table.boolean('accepted').notNullable()
      table.string('source_project_id', 255).notNullable().index()
      table.string('destination_project_id', 255)
      table.bigInteger('created_at').notNullable()
    })
  },
}
