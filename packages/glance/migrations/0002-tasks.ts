import { createTable, type Migration } from '@hearth/database'

/** Work that continues after the response: imports. */
export const tasksMigration: Migration = {
  name: '0002-tasks',
  async up(tx) {
    await createTable(tx, 'image_tasks', (table) => {
      table.string('id', 36).primary()
      table.string('type', 30).notNullable()
      table.string('status', 20).notNullable()
      table.string('owner', 255).index()
      table.string('user_id', 64)
      table.string('image_id', 36).index()
      table.string('request_id', 64)
      table.string('worker', 255).index()
      table.text('input').notNullable()
      table.text('result').notNullable()
      table.text('message').notNullable()
      table.bigInteger('created_at').notNullable().index()
      table.bigInteger('updated_at').notNullable()
      table.bigInteger('expires_at').index()
    })
  },
}
