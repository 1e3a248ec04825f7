import { createTable, type Migration } from '@hearth/database'

export const catalog: Migration = {
  name: '0003-catalog',
  async up(tx) {
    await createTable(tx, 'catalog_regions', (table) => {
      table.string('id', 255).primary()
      table.text('description', 'mediumtext').notNullable()
      table.string('parent_region_id', 255)
      table.text('extra', 'mediumtext').notNullable()
    })
    await createTable(tx, 'catalog_services', (table) => {
      table.string('id', 64).primary()
      table.string('type', 255).notNullable()
      table.boolean('enabled').notNullable().defaultTo(true)
      table.text('extra', 'mediumtext').notNullable()
    })
    await createTable(tx, 'catalog_endpoints', (table) => {
      table.string('id', 64).primary()
      table.string('service_id', 64).notNullable().index('catalog_endpoints_service')
      table.string('interface', 8).notNullable()
      table.string('region_id', 255)
      table.text('url', 'mediumtext').notNullable()
      table.boolean('enabled').notNullable().defaultTo(true)
      table.text('extra', 'mediumtext').notNullable()
    })
    await createTable(tx, 'endpoint_groups', (table) => {
      table.string('id', 64).primary()
      table.string('name', 255).notNullable()
      table.text('description', 'mediumtext').notNullable()
      table.text('filters', 'mediumtext').notNullable()
    })
    await createTable(tx, 'project_endpoints', (table) => {
      table.string('project_id', 64).notNullable()
      table.string('endpoint_id', 64).notNullable()
      table.primary(['project_id', 'endpoint_id'])
    })
    await createTable(tx, 'project_endpoint_groups', (table) => {
      table.string('project_id', 64).notNullable()
      table.string('endpoint_group_id', 64).notNullable()
      table.primary(['project_id', 'endpoint_group_id'])
    })
    await createTable(tx, 'policy_blobs', (table) => {
      table.string('id', 64).primary()
      table.string('type', 255).notNullable()
      table.text('blob', 'mediumtext').notNullable()
      table.text('extra', 'mediumtext').notNullable()
    })
  },
}
