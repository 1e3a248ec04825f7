import { createTable, type Migration, type Transaction } from '@hearth/database'

async function volumes(tx: Transaction): Promise<void> {
  await createTable(tx, 'volumes', (t) => {
    t.string('id', 36).primary()
    t.string('project_id', 64).notNullable().index()
    t.string('user_id', 64).notNullable()
    t.string('name', 255)
    t.text('description')
    t.integer('size').notNullable()
    t.string('status', 32).notNullable()
    t.string('previous_status', 32)
    t.string('attach_status', 32).notNullable().defaultTo('detached')
    t.string('migration_status', 255)
    t.string('replication_status', 32)
    t.string('host', 255).index()
    t.integer('attempts').notNullable().defaultTo(1)
    t.string('availability_zone', 255)
    t.string('volume_type_id', 36).index()
    t.string('snapshot_id', 36)
    t.string('source_volid', 36)
    t.string('backup_id', 36)
    t.string('image_id', 64)
    t.string('group_id', 36).index()
    t.string('group_snapshot_id', 36)
    t.string('consistencygroup_id', 36)
    t.boolean('bootable').notNullable().defaultTo(false)
    t.boolean('multiattach').notNullable().defaultTo(false)
    t.boolean('use_quota').notNullable().defaultTo(true)
    t.string('encryption_key_id', 36)
    t.text('provider_location')
    t.text('provider_auth')
    t.string('provider_id', 255)
    t.string('service_uuid', 36)
    // Input of the operation behind the current "-ing" status, so that recovery can resume it.
    t.text('task')
    t.bigInteger('launched_at')
    t.bigInteger('created_at').notNullable()
    t.bigInteger('updated_at')
    t.index(['project_id', 'created_at', 'id'])
  })
  await createTable(tx, 'volume_metadata', (t) => {
    t.string('volume_id', 36).notNullable()
    t.string('kind', 8).notNullable()
    t.string('key', 255).notNullable()
    t.text('value')
    t.primary(['volume_id', 'kind', 'key'])
  })
}

async function snapshots(tx: Transaction): Promise<void> {
  await createTable(tx, 'snapshots', (t) => {
    t.string('id', 36).primary()
    t.string('volume_id', 36).notNullable().index()
    t.string('project_id', 64).notNullable().index()
    t.string('user_id', 64).notNullable()
    t.string('name', 255)
    t.text('description')
    t.integer('size').notNullable()
    t.string('status', 32).notNullable()
    t.string('previous_status', 32)
    t.string('progress', 16)
    t.string('volume_type_id', 36)
    t.string('group_snapshot_id', 36).index()
    t.boolean('use_quota').notNullable().defaultTo(true)
    t.text('provider_location')
    t.bigInteger('created_at').notNullable()
    t.bigInteger('updated_at')
  })
  await createTable(tx, 'snapshot_metadata', (t) => {
    t.string('snapshot_id', 36).notNullable()
    t.string('key', 255).notNullable()
    t.text('value')
    t.primary(['snapshot_id', 'key'])
  })
}

async function attachments(tx: Transaction): Promise<void> {
  await createTable(tx, 'attachments', (t) => {
    t.string('id', 36).primary()
    t.string('volume_id', 36).notNullable().index()
    t.string('project_id', 64).notNullable().index()
    t.string('instance_uuid', 36)
    t.string('attached_host', 255)
    t.string('mountpoint', 255)
    t.string('attach_mode', 16)
    t.string('status', 32).notNullable()
    t.text('connector')
    t.text('connection_info')
    t.bigInteger('attached_at')
    t.bigInteger('detached_at')
    t.bigInteger('created_at').notNullable()
    t.bigInteger('updated_at')
  })
}

async function services(tx: Transaction): Promise<void> {
  await createTable(tx, 'services', (t) => {
    t.string('id', 36).primary()
    t.string('host', 200).notNullable()
    t.string('binary', 64).notNullable()
    t.string('zone', 255).notNullable()
    t.boolean('disabled').notNullable().defaultTo(false)
    t.string('disabled_reason', 255)
    t.boolean('frozen').notNullable().defaultTo(false)
    t.text('stats', 'longtext')
    t.bigInteger('heartbeat_at').notNullable()
    t.bigInteger('created_at').notNullable()
    t.bigInteger('updated_at')
    t.unique(['host', 'binary'])
  })
  await createTable(tx, 'image_cache', (t) => {
    t.string('id', 36).primary()
    t.string('host', 200).notNullable()
    t.string('image_id', 64).notNullable()
    t.string('checksum', 128).notNullable()
    t.integer('size').notNullable()
    t.string('status', 32).notNullable()
    t.text('provider_location')
    t.bigInteger('created_at').notNullable()
    t.bigInteger('updated_at')
    t.index(['host', 'image_id'])
  })
}

/** Volumes, snapshots, attachments, services with their pools, and the images kept as base volumes. */
export const volumesMigration: Migration = {
  name: '0001-volumes',
  async up(tx) {
    await volumes(tx)
    await snapshots(tx)
    await attachments(tx)
    await services(tx)
  },
}
