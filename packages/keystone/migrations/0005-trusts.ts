import { createTable, type Migration } from '@hearth/database'

export const trusts: Migration = {
  name: '0005-trusts',
  async up(tx) {
    await createTable(tx, 'trusts', (table) => {
      table.string('id', 64).primary()
      table.string('trustor_user_id', 64).notNullable().index('trusts_trustor')
      table.string('trustee_user_id', 64).notNullable().index('trusts_trustee')
      table.string('project_id', 64)
      table.boolean('impersonation').notNullable()
      table.text('role_ids', 'mediumtext').notNullable()
      table.bigInteger('expires_at')
      table.integer('remaining_uses')
      table.string('redelegated_trust_id', 64)
      table.integer('redelegation_count').notNullable().defaultTo(0)
    })
  },
}
