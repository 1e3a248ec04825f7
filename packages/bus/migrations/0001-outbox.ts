import { createTable, type Migration } from '@hearth/database'

export const outbox: Migration = {
  name: '0001-outbox',
  async up(tx) {
    await createTable(tx, 'bus_outbox', (columns) => {
      columns.bigIncrements('seq')
      columns.string('id', 36).notNullable()
      columns.string('service', 64).notNullable()
      columns.string('topic', 128).notNullable()
      columns.string('target', 255).notNullable()
      columns.text('payload', 'mediumtext').notNullable()
      columns.text('context').notNullable()
      columns.integer('attempts').notNullable().defaultTo(0)
      columns.bigInteger('not_before').notNullable().defaultTo(0)
      columns.string('owner', 36).nullable()
      columns.bigInteger('leased_until').notNullable().defaultTo(0)
      columns.bigInteger('created_at').notNullable()
      columns.unique(['id', 'attempts'], { indexName: 'bus_outbox_delivery' })
      columns.index(['service', 'topic', 'target', 'seq'], 'bus_outbox_waiting')
    })
  },
}
