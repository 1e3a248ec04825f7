import { addColumns, createTable, type Migration } from '@hearth/database'

/**
 * Times are milliseconds since the epoch. Passwords from before this migration have no age and do not expire, as in
 * Keystone.
 */
export const logIn: Migration = {
  name: '0009-log-in',
  async up(tx) {
    await addColumns(tx, 'users', {
      created_at: (table) => table.bigInteger('created_at'),
      last_active_at: (table) => table.bigInteger('last_active_at'),
      failed_auth_count: (table) => table.integer('failed_auth_count').notNullable().defaultTo(0),
      failed_auth_at: (table) => table.bigInteger('failed_auth_at'),
      password_created_at: (table) => table.bigInteger('password_created_at'),
      password_expires_at: (table) => table.bigInteger('password_expires_at'),
      password_self_service: (table) => table.boolean('password_self_service').notNullable().defaultTo(false),
      totp_step: (table) => table.bigInteger('totp_step').notNullable().defaultTo(0),
    })
    await createTable(tx, 'password_history', (table) => {
      table.string('user_id', 64).notNullable()
      table.bigInteger('created_at').notNullable()
      table.string('password_hash', 255).notNullable()
      table.index(['user_id', 'created_at'], 'password_history_user')
    })
    await createTable(tx, 'auth_receipts', (table) => {
      table.string('id', 64).primary()
      table.string('user_id', 64).notNullable()
      table.text('methods').notNullable()
      table.bigInteger('issued_at').notNullable()
      table.bigInteger('expires_at').notNullable().index('auth_receipts_end')
    })
  },
}
