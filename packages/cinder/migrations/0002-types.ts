import { uuid } from '@hearth/core'
import { createTable, insertIfAbsent, type Migration, type Transaction } from '@hearth/database'

/** Name of the type that volumes get when the request names none; upstream gives every deployment this row. */
export const defaultTypeName = '__DEFAULT__'

/** Volume types with their extra specs, private access, encryption, QoS specs, and the default type of a project. */
export const types: Migration = {
  name: '0002-types',
  async up(tx) {
    await createQos(tx)
    await createTypes(tx)
    await createTypeParts(tx)
    const now = Date.now()
    await insertIfAbsent(tx, 'volume_types', {
      id: uuid(),
      name: defaultTypeName,
      description: 'Default Volume Type',
      is_public: true,
      created_at: now,
      updated_at: now,
    })
  },
}

async function createQos(tx: Transaction): Promise<void> {
  await createTable(tx, 'qos_specs', (table) => {
    table.string('id', 36).primary()
    table.string('name', 255).notNullable().unique()
    table.string('consumer', 20).notNullable()
    table.bigInteger('created_at').notNullable()
  })
  await createTable(tx, 'qos_spec_values', (table) => {
    table.string('qos_specs_id', 36).notNullable()
    table.string('spec_key', 255).notNullable()
    table.string('spec_value', 255).notNullable()
    table.primary(['qos_specs_id', 'spec_key'])
  })
}

async function createTypes(tx: Transaction): Promise<void> {
  await createTable(tx, 'volume_types', (table) => {
    table.string('id', 36).primary()
    table.string('name', 255).notNullable().unique()
    table.text('description')
    table.boolean('is_public').notNullable()
    table.string('qos_specs_id', 36).index()
    table.bigInteger('created_at').notNullable()
    table.bigInteger('updated_at').notNullable()
  })
}

async function createTypeParts(tx: Transaction): Promise<void> {
  await createTable(tx, 'volume_type_extra_specs', (table) => {
    table.string('volume_type_id', 36).notNullable()
    table.string('spec_key', 255).notNullable()
    table.text('spec_value').notNullable()
    table.primary(['volume_type_id', 'spec_key'])
  })
  await createTable(tx, 'volume_type_projects', (table) => {
    table.string('volume_type_id', 36).notNullable()
    table.string('project_id', 255).notNullable()
    table.primary(['volume_type_id', 'project_id'])
  })
  await createTable(tx, 'volume_type_encryptions', (table) => {
    table.string('encryption_id', 36).primary()
    table.string('volume_type_id', 36).notNullable().unique()
    table.string('provider', 255).notNullable()
    table.string('control_location', 20).notNullable()
    table.string('cipher', 255)
    table.integer('key_size')
    table.bigInteger('created_at').notNullable()
    table.bigInteger('updated_at')
  })
  await createTable(tx, 'default_volume_types', (table) => {
    table.string('project_id', 255).primary()
    table.string('volume_type_id', 36).notNullable().index()
  })
}
