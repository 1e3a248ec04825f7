import { createTable, type Migration } from '@hearth/database'

/** Expiry is stored in microseconds since the epoch, because the API returns every digit that it was given. */
export const credentials: Migration = {
  name: '0004-credentials',
  async up(tx) {
    await createTable(tx, 'user_credentials', (table) => {
      table.string('id', 64).primary()
      table.string('user_id', 64).notNullable().index('user_credentials_user')
      table.string('project_id', 64)
      table.string('type', 255).notNullable()
      table.text('blob', 'mediumtext').notNullable()
      table.text('extra', 'mediumtext').notNullable()
    })
    await createTable(tx, 'application_credentials', (table) => {
      table.string('id', 64).primary()
      table.string('user_id', 64).notNullable()
      table.string('project_id', 64).notNullable().index('application_credentials_project')
      table.string('name', 255).notNullable()
      table.text('description', 'mediumtext')
      table.string('secret_hash', 255).notNullable()
      table.text('role_ids', 'mediumtext').notNullable()
      table.boolean('unrestricted').notNullable().defaultTo(false)
      table.bigInteger('expires_at_micros')
      table.unique(['user_id', 'name'], { indexName: 'application_credentials_name' })
    })
    await createTable(tx, 'access_rules', (table) => {
      table.string('id', 64).primary()
      table.string('user_id', 64).notNullable().index('access_rules_user')
      table.string('service', 64).notNullable()
      table.string('method', 16).notNullable()
      table.string('path', 128).notNullable()
    })
    await createTable(tx, 'application_credential_rules', (table) => {
      table.string('application_credential_id', 64).notNullable()
      table.string('access_rule_id', 64).notNullable().index('application_credential_rules_rule')
      table.primary(['application_credential_id', 'access_rule_id'])
    })
    await createTable(tx, 'oauth_consumers', (table) => {
      table.string('id', 64).primary()
      table.text('description', 'mediumtext')
      table.string('secret', 64).notNullable()
      table.text('extra', 'mediumtext').notNullable()
    })
  },
}
