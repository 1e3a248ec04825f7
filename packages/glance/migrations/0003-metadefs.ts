import { createTable, insertIfAbsent, type Migration } from '@hearth/database'

const resourceTypes = [
  'OS::Cinder::Volume',
  'OS::Glance::Image',
  'OS::Nova::Aggregate',
  'OS::Nova::Flavor',
  'OS::Nova::Server',
  'OS::Trove::Instance',
]

/** The catalog of metadata definitions. */
export const metadefsMigration: Migration = {
  name: '0003-metadefs',
  async up(tx) {
    await createTable(tx, 'metadef_namespaces', (table) => {
      table.string('id', 36).primary()
      table.string('namespace', 80).notNullable().unique()
      table.string('display_name', 80)
      table.text('description')
      table.string('visibility', 20).notNullable()
      table.boolean('protected').notNullable()
      table.string('owner', 255)
      table.bigInteger('created_at').notNullable()
      table.bigInteger('updated_at').notNullable()
    })
    // Objects, properties and tags: `body` is what the client wrote, less the name.
    await createTable(tx, 'metadef_items', (table) => {
      table.string('namespace_id', 36).notNullable()
      table.string('kind', 20).notNullable()
      table.string('name', 80).notNullable()
      table.text('body').notNullable()
      table.bigInteger('created_at').notNullable()
      table.bigInteger('updated_at').notNullable()
      table.primary(['namespace_id', 'kind', 'name'])
    })
    await createTable(tx, 'metadef_associations', (table) => {
      table.string('namespace_id', 36).notNullable()
      table.string('name', 80).notNullable()
      table.string('prefix', 80)
      table.string('properties_target', 80)
      table.bigInteger('created_at').notNullable()
      table.bigInteger('updated_at').notNullable()
      table.primary(['namespace_id', 'name'])
    })
    await createTable(tx, 'metadef_resource_types', (table) => {
      table.string('name', 80).primary()
      table.bigInteger('created_at').notNullable()
      table.bigInteger('updated_at').notNullable()
    })
    const now = Date.now()
    for (const name of resourceTypes) {
      await insertIfAbsent(tx, 'metadef_resource_types', { name, created_at: now, updated_at: now })
    }
  },
}
