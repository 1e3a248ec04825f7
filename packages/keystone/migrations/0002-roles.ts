import { createTable, type Migration } from '@hearth/database'

/** `domain_id` of a global role is ''. `target_id` of an assignment on the system is ''. */
export const roles: Migration = {
  name: '0002-roles',
  async up(tx) {
    await createTable(tx, 'roles', (table) => {
      table.string('id', 64).primary()
      table.string('domain_id', 64).notNullable().defaultTo('')
      table.string('name', 255).notNullable()
      table.text('description', 'mediumtext')
      table.text('options', 'mediumtext').notNullable()
      table.text('extra', 'mediumtext').notNullable()
      table.unique(['domain_id', 'name'], { indexName: 'roles_name' })
    })
    await createTable(tx, 'implied_roles', (table) => {
      table.string('prior_role_id', 64).notNullable()
      table.string('implied_role_id', 64).notNullable()
      table.primary(['prior_role_id', 'implied_role_id'])
    })
    await createTable(tx, 'role_assignments', (table) => {
      table.string('actor_type', 8).notNullable()
      table.string('actor_id', 64).notNullable()
      table.string('target_type', 8).notNullable()
      table.string('target_id', 64).notNullable().defaultTo('')
      table.string('role_id', 64).notNullable()
      table.boolean('inherited').notNullable().defaultTo(false)
      table.primary(['actor_type', 'actor_id', 'target_type', 'target_id', 'role_id', 'inherited'])
      table.index(['target_type', 'target_id'], 'role_assignments_target')
    })
  },
}
