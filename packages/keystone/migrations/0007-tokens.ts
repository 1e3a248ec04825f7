import { createTable, type Migration } from '@hearth/database'

export const tokens: Migration = {
  name: '0007-tokens',
  async up(tx) {
    await createTable(tx, 'signing_keys', (table) => {
      table.string('id', 64).primary()
      table.text('pem').notNullable()
      table.bigInteger('created_at').notNullable()
    })
    await createTable(tx, 'revocation_events', (table) => {
      table.bigIncrements('sequence')
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
