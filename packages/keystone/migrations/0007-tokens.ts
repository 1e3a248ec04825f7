import { createTable, insertIfAbsent, type Migration } from '@hearth/database'

/**
 * The only row of `revocation_counter` numbers the revocations. Its lock is held until commit, so numbers become
 * visible in their order and a process that reads them in order misses none.
 */
export const tokens: Migration = {
  name: '0007-tokens',
  async up(tx) {
    await createTable(tx, 'signing_keys', (table) => {
      table.string('id', 64).primary()
      table.text('pem', 'mediumtext').notNullable()
      table.bigInteger('created_at').notNullable()
    })
    await createTable(tx, 'revocation_counter', (table) => {
      table.integer('id').primary()
      table.bigInteger('value').notNullable()
    })
    await insertIfAbsent(tx, 'revocation_counter', { id: 1, value: 0 })
    await createTable(tx, 'revocation_events', (table) => {
      table.bigInteger('sequence').primary()
      table.string('audit_id', 64)
      table.string('audit_chain_id', 64)
      table.string('user_id', 64)
      table.string('project_id', 64)
      table.string('domain_id', 64)
      table.string('role_name', 255)
      table.string('app_credential_id', 64)
      table.bigInteger('issued_before').notNullable()
      table.bigInteger('revoked_at').notNullable().index('revocation_events_time')
    })
  },
}
