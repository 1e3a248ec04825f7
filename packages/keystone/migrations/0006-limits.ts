import { createTable, type Migration } from '@hearth/database'

/**
 * `region_id`, `project_id` and `domain_id` are '' when there is none, because unique indexes treat NULLs as different.
 */
export const limits: Migration = {
  name: '0006-limits',
  async up(tx) {
    await createTable(tx, 'registered_limits', (table) => {
      table.string('id', 64).primary()
      table.string('service_id', 64).notNullable()
      table.string('region_id', 255).notNullable().defaultTo('')
      table.string('resource_name', 255).notNullable()
      table.integer('default_limit').notNullable()
      table.text('description', 'mediumtext')
      table.unique(['service_id', 'region_id', 'resource_name'], { indexName: 'registered_limits_resource' })
    })
    await createTable(tx, 'project_limits', (table) => {
      table.string('id', 64).primary()
      table.string('registered_limit_id', 64).notNullable().index('project_limits_registered')
      table.string('project_id', 64).notNullable().defaultTo('')
      table.string('domain_id', 64).notNullable().defaultTo('')
      table.integer('resource_limit').notNullable()
      table.text('description', 'mediumtext')
      table.unique(['project_id', 'domain_id', 'registered_limit_id'], { indexName: 'project_limits_owner' })
    })
  },
}
