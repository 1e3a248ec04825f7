import { createTable, type Migration } from '@hearth/database'

/** Messages to users about work that failed after its request was accepted. */
export const messages: Migration = {
  name: '0004-messages',
  async up(tx) {
    await createTable(tx, 'messages', (table) => {
      table.string('id', 36).primary()
      table.string('project_id', 255).notNullable()
      table.string('request_id', 255)
      table.string('resource_type', 36)
      table.string('resource_uuid', 36).index()
      table.string('action_id', 10).notNullable()
      table.string('detail_id', 10).notNullable()
      table.string('event_id', 255).notNullable()
      table.string('message_level', 20).notNullable()
      table.bigInteger('created_at').notNullable()
      table.bigInteger('expires_at').notNullable().index()
      table.index(['project_id', 'created_at'])
    })
  },
}
