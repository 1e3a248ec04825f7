import { createTable, type Migration } from '@hearth/database'

/** Backups and the metadata that their owners set. */
export const backups: Migration = {
  name: '0005-backups',
  async up(tx) {
    await createTable(tx, 'backups', (table) => {
      table.string('id', 36).primary()
      table.string('project_id', 255).notNullable()
      table.string('user_id', 255).notNullable()
      table.string('volume_id', 36).notNullable().index()
      table.string('snapshot_id', 36)
      table.string('parent_id', 36).index()
      table.string('name', 255)
      table.text('description')
      table.string('status', 32).notNullable()
      table.integer('size').notNullable()
      table.string('availability_zone', 255)
      table.string('host', 255).index()
      table.string('container', 255)
      table.integer('object_count').notNullable().defaultTo(0)
      table.string('fail_reason', 255)
      table.string('service', 255)
      // Prefix of the objects' names.
      table.string('service_metadata', 255)
      // The volume that a restore writes to, and the temporary copy that a backup of an attached volume reads.
      table.string('restore_volume_id', 36)
      table.string('temp_snapshot_id', 36)
      table.bigInteger('data_timestamp').notNullable()
      table.bigInteger('created_at').notNullable()
      table.bigInteger('updated_at')
      table.index(['project_id', 'created_at', 'id'])
    })
    await createTable(tx, 'backup_metadata', (table) => {
      table.string('backup_id', 36).notNullable()
      table.string('meta_key', 255).notNullable()
      table.string('meta_value', 255).notNullable()
      table.primary(['backup_id', 'meta_key'])
    })
  },
}
