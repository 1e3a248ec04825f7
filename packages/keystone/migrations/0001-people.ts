import { createTable, type Migration } from '@hearth/database'

/**
 * A domain is a row of `projects` with `is_domain`, because its id may be used where a project's id is used. Its own
 * `domain_id` is '' and not NULL, because a unique index treats all NULLs as different.
 */
export const people: Migration = {
  name: '0001-people',
  async up(tx) {
    await createTable(tx, 'projects', (table) => {
      table.string('id', 64).primary()
      table.string('domain_id', 64).notNullable().defaultTo('')
      table.string('name', 64).notNullable()
      table.string('parent_id', 64).index('projects_parent')
      table.boolean('is_domain').notNullable().defaultTo(false)
      table.boolean('enabled').notNullable().defaultTo(true)
      table.text('description', 'mediumtext').notNullable()
      table.text('options', 'mediumtext').notNullable()
      table.text('extra', 'mediumtext').notNullable()
      table.unique(['domain_id', 'name'], { indexName: 'projects_name' })
    })
    await createTable(tx, 'project_tags', (table) => {
      table.string('project_id', 64).notNullable()
      table.string('tag', 255).notNullable()
      table.primary(['project_id', 'tag'])
    })
    await createTable(tx, 'users', (table) => {
      table.string('id', 64).primary()
      table.string('domain_id', 64).notNullable()
      table.string('name', 255).notNullable()
      table.boolean('enabled').notNullable().defaultTo(true)
      table.string('default_project_id', 64)
      table.string('password_hash', 255)
      table.text('options', 'mediumtext').notNullable()
      table.text('extra', 'mediumtext').notNullable()
      table.unique(['domain_id', 'name'], { indexName: 'users_name' })
    })
    await createTable(tx, 'user_groups', (table) => {
      table.string('id', 64).primary()
      table.string('domain_id', 64).notNullable()
      table.string('name', 64).notNullable()
      table.text('description', 'mediumtext').notNullable()
      table.text('extra', 'mediumtext').notNullable()
      table.unique(['domain_id', 'name'], { indexName: 'user_groups_name' })
    })
    await createTable(tx, 'group_members', (table) => {
      table.string('group_id', 64).notNullable()
      table.string('user_id', 64).notNullable().index('group_members_user')
      table.primary(['group_id', 'user_id'])
    })
    await createTable(tx, 'domain_settings', (table) => {
      table.string('domain_id', 64).notNullable()
      table.string('section', 64).notNullable()
      table.string('name', 128).notNullable()
      table.text('value', 'mediumtext').notNullable()
      table.primary(['domain_id', 'section', 'name'])
    })
  },
}
