import { createTable, type Migration, type Transaction } from '@hearth/database'

/** Group types, groups of volumes, and snapshots of groups. */
export const groups: Migration = {
  name: '0007-groups',
  async up(tx) {
    await createGroupTypes(tx)
    await createTable(tx, 'volume_groups', (table) => {
      table.string('id', 36).primary()
      table.string('project_id', 255).notNullable().index()
      table.string('user_id', 255).notNullable()
      table.string('name', 255)
      table.text('description')
      table.string('status', 32).notNullable()
      table.string('host', 255)
      table.string('availability_zone', 255)
      table.string('group_type_id', 36).notNullable().index()
      table.string('group_snapshot_id', 36)
      table.string('source_group_id', 36)
      table.string('replication_status', 32)
      table.bigInteger('created_at').notNullable()
      table.bigInteger('updated_at')
    })
    await createTable(tx, 'volume_group_types', (table) => {
      table.string('group_id', 36).notNullable()
      table.string('volume_type_id', 36).notNullable()
      table.primary(['group_id', 'volume_type_id'])
    })
    await createTable(tx, 'group_snapshots', (table) => {
      table.string('id', 36).primary()
      table.string('group_id', 36).notNullable().index()
      table.string('project_id', 255).notNullable().index()
      table.string('user_id', 255).notNullable()
      table.string('name', 255)
      table.text('description')
      table.string('status', 32).notNullable()
      table.string('group_type_id', 36)
      table.bigInteger('created_at').notNullable()
      table.bigInteger('updated_at')
    })
  },
}

async function createGroupTypes(tx: Transaction): Promise<void> {
  await createTable(tx, 'group_types', (table) => {
    table.string('id', 36).primary()
    table.string('name', 255).notNullable().unique()
    table.text('description')
    table.boolean('is_public').notNullable()
    table.bigInteger('created_at').notNullable()
    table.bigInteger('updated_at').notNullable()
  })
  await createTable(tx, 'group_type_specs', (table) => {
    table.string('group_type_id', 36).notNullable()
    table.string('spec_key', 255).notNullable()
    table.text('spec_value').notNullable()
    table.primary(['group_type_id', 'spec_key'])
  })
}
