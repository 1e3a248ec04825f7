import { createTable, type Migration, type Transaction } from '@hearth/database'

/** Images and what hangs on them. Rows of deleted images stay: an id is never given twice (OSSN-0075). */
export const imagesMigration: Migration = {
  name: '0001-images',
  async up(tx) {
    await createImages(tx)
    await createTable(tx, 'image_properties', (table) => {
      table.string('image_id', 36).notNullable()
      table.string('name', 255).notNullable()
      table.text('value').notNullable()
      table.primary(['image_id', 'name'])
      table.index(['name'])
    })
    await createTable(tx, 'image_tags', (table) => {
      table.string('image_id', 36).notNullable()
      table.string('value', 255).notNullable()
      table.primary(['image_id', 'value'])
      table.index(['value'])
    })
    await createTable(tx, 'image_members', (table) => {
      table.string('image_id', 36).notNullable()
      table.string('member', 255).notNullable()
      table.string('status', 20).notNullable()
      table.bigInteger('created_at').notNullable()
      table.bigInteger('updated_at').notNullable()
      table.primary(['image_id', 'member'])
      table.index(['member'])
    })
    await createTable(tx, 'image_locations', (table) => {
      table.string('id', 36).primary()
      table.string('image_id', 36).notNullable().index()
      table.integer('position').notNullable()
      table.string('store', 255)
      table.text('url').notNullable()
      table.text('metadata').notNullable()
      // `active`, or `doomed`: to be deleted from its store, and then this row.
      table.string('state', 20).notNullable().index()
    })
  },
}

async function createImages(tx: Transaction): Promise<void> {
  await createTable(tx, 'images', (table) => {
    table.string('id', 36).primary()
    table.string('name', 255)
    table.string('status', 30).notNullable()
    table.string('visibility', 30).notNullable()
    table.boolean('protected').notNullable()
    table.boolean('hidden').notNullable()
    table.string('checksum', 32)
    table.string('hash_algorithm', 64)
    table.string('hash_value', 128)
    table.string('owner', 255).index()
    table.bigInteger('size')
    table.bigInteger('virtual_size')
    table.string('container_format', 20)
    table.string('disk_format', 20)
    table.bigInteger('min_ram').notNullable()
    table.bigInteger('min_disk').notNullable()
    table.bigInteger('created_at').notNullable().index()
    table.bigInteger('updated_at').notNullable()
    table.bigInteger('deleted_at').index()
    table.integer('revision').notNullable()
    // Worker that transfers bytes for this image, their store, and when it was last seen: for recovery after a crash.
    table.string('worker', 255).index()
    table.string('worker_store', 255)
    table.bigInteger('worker_seen_at')
  })
}
