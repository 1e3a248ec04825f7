import { createTable, type Migration } from '@hearth/database'

/** Limits of projects and of quota classes, and one usage counter per project and resource. */
export const quotas: Migration = {
  name: '0003-quotas',
  async up(tx) {
    await createTable(tx, 'quotas', (table) => {
      table.string('project_id', 255).notNullable()
      table.string('resource', 300).notNullable()
      table.integer('hard_limit').notNullable()
      table.primary(['project_id', 'resource'])
    })
    await createTable(tx, 'quota_classes', (table) => {
      table.string('class_name', 255).notNullable()
      table.string('resource', 300).notNullable()
      table.integer('hard_limit').notNullable()
      table.primary(['class_name', 'resource'])
    })
    await createTable(tx, 'quota_usages', (table) => {
      table.string('project_id', 255).notNullable()
      table.string('resource', 300).notNullable()
      table.integer('in_use').notNullable()
      table.primary(['project_id', 'resource'])
    })
  },
}
