import type { Route, Schema } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { forceDeleteVolume } from './delete.ts'
import { extendVolume } from './extend.ts'
import { setImageMetadata, showImageMetadata, unsetImageMetadata } from './metadata.ts'
import { metadataField } from './schema.ts'

type Row = Route<ApiDeps>
type Details = { since?: string; fields?: Record<string, Schema>; required?: string[]; status?: number }

/** One action of POST /volumes/{id}/action; its body is `{<name>: {<fields>}}`. */
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

export const volumeActionRoutes: Row[] = [
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
