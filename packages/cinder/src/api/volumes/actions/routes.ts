import type { Route, Schema } from '@hearth/http'
import { resettable } from '../../../model/volumes/states.ts'
import type { ApiDeps } from '../../deps.ts'
import { forceDeleteVolume } from '../delete.ts'
import { setImageMetadata, showImageMetadata, unsetImageMetadata } from '../metadata.ts'
import { booleanField, metadataField, uuidField } from '../schema.ts'
import { extendVolume } from './extend.ts'
import { resetStatus, setBootable } from './flags.ts'
import * as legacy from './legacy-attach.ts'
import { completeMigration, migrateVolume } from './migrate.ts'
import { reimageVolume } from './reimage.ts'
import { retypeVolume } from './retype.ts'
import { revertVolume } from './revert.ts'
import { uploadVolume } from './upload.ts'

type Row = Route<ApiDeps>
type Details = { since?: string; fields?: Record<string, Schema>; required?: string[]; status?: number }

/** Returns the route of one action of POST /volumes/{id}/action; its body is `{<name>: {<fields>}}`. */
function action(name: string, policy: string, operation: Row['operation'], details: Details = {}): Row {
  const { fields, required = [], status = 202, since } = details
  const row: Row = { method: 'POST', path: '/volumes/:id/action', action: name, policy, status, operation }
  if (since !== undefined) row.since = since
  if (fields) {
    const body = { type: 'object', properties: fields, required }
    row.body = { type: 'object', properties: { [name]: body }, required: [name] }
  }
  return row
}

const text: Schema = { type: 'string' }
const size: Schema = {
  oneOf: [
    { type: 'integer', minimum: 1 },
    { type: 'string', pattern: '^[0-9]+$' },
  ],
}

const actions = 'volume_extension:volume_actions'
const adminActions = 'volume_extension:volume_admin_actions'
const connector = { fields: { connector: { type: 'object' } }, required: ['connector'] }
const diskFormats = ['raw', 'vmdk', 'vdi', 'qcow2', 'vhd', 'vhdx', 'ploop']

/** The legacy attach actions, which Nova used before attachments existed. */
const attachRows: Row[] = [
  action('os-attach', `${actions}:attach`, legacy.attachVolume, {
    fields: {
      instance_uuid: uuidField,
      host_name: { type: 'string', maxLength: 255 },
      mountpoint: { type: 'string', minLength: 1, maxLength: 255 },
      mode: { type: 'string', enum: ['rw', 'ro'] },
    },
    required: ['mountpoint'],
  }),
  action('os-detach', `${actions}:detach`, legacy.detachVolume),
  action('os-reserve', `${actions}:reserve`, legacy.reserveVolume),
  action('os-unreserve', `${actions}:unreserve`, legacy.unreserveVolume),
  action('os-begin_detaching', `${actions}:begin_detaching`, legacy.beginDetaching),
  action('os-roll_detaching', `${actions}:roll_detaching`, legacy.rollDetaching),
  action('os-initialize_connection', `${actions}:initialize_connection`, legacy.initializeConnection, {
    ...connector,
    status: 200,
  }),
  action('os-terminate_connection', `${actions}:terminate_connection`, legacy.terminateConnection, connector),
  action('os-force_detach', `${adminActions}:force_detach`, legacy.forceDetachVolume),
  action('os-update_readonly_flag', 'volume:update_readonly_flag', legacy.updateReadonly, {
    fields: { readonly: booleanField },
    required: ['readonly'],
  }),
]

export const volumeActionRoutes: Row[] = [
  ...attachRows,
  action('os-set_bootable', 'volume:update', setBootable, {
    fields: { bootable: booleanField },
    required: ['bootable'],
    status: 200,
  }),
  action('os-reset_status', `${adminActions}:reset_status`, resetStatus, {
    fields: {
      status: { type: 'string', enum: resettable },
      attach_status: { type: 'string', enum: ['attached', 'detached'] },
      migration_status: { type: 'string', maxLength: 255 },
    },
  }),
  action('os-migrate_volume', `${adminActions}:migrate_volume`, migrateVolume, {
    fields: {
      host: { type: 'string', minLength: 1, maxLength: 255 },
      cluster: { type: ['string', 'null'], maxLength: 255 },
      force_host_copy: booleanField,
      lock_volume: booleanField,
    },
  }),
  action('os-migrate_volume_completion', `${adminActions}:migrate_volume_completion`, completeMigration, {
    fields: { new_volume: uuidField, error: booleanField },
    required: ['new_volume'],
    status: 200,
  }),
  action('os-retype', 'volume:retype', retypeVolume, {
    fields: {
      new_type: { type: 'string', minLength: 1, maxLength: 255 },
      migration_policy: { type: 'string', enum: ['on-demand', 'never'] },
    },
    required: ['new_type'],
  }),
  action('revert', 'volume:revert_to_snapshot', revertVolume, {
    since: '3.40',
    fields: { snapshot_id: uuidField },
    required: ['snapshot_id'],
  }),
  action('os-reimage', 'volume:reimage', reimageVolume, {
    since: '3.68',
    fields: { image_id: uuidField, reimage_reserved: booleanField },
    required: ['image_id'],
  }),
  action('os-volume_upload_image', `${actions}:upload_image`, uploadVolume, {
    fields: {
      image_name: { type: 'string', minLength: 1, maxLength: 255 },
      force: booleanField,
      disk_format: { type: 'string', enum: diskFormats },
      container_format: { type: 'string', minLength: 1, maxLength: 255 },
      visibility: { type: 'string', enum: ['community', 'public', 'private', 'shared'] },
      protected: booleanField,
    },
    required: ['image_name'],
  }),
  action('os-extend', 'volume:extend', extendVolume, { fields: { new_size: size }, required: ['new_size'] }),
  action('os-force_delete', 'volume_extension:volume_admin_actions:force_delete', forceDeleteVolume),
  action('os-set_image_metadata', 'volume_extension:volume_image_metadata:set', setImageMetadata, {
    fields: { metadata: metadataField },
    required: ['metadata'],
    status: 200,
  }),
  action('os-show_image_metadata', 'volume_extension:volume_image_metadata:show', showImageMetadata, { status: 200 }),
  action('os-unset_image_metadata', 'volume_extension:volume_image_metadata:remove', unsetImageMetadata, {
    fields: { key: text },
    required: ['key'],
    status: 200,
  }),
]
