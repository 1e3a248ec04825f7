import { type Context, isoMicroseconds, own, setOwn } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import type { VolumeRow } from '../../model/volumes/store.ts'
import { itemLinks } from '../links.ts'

/** Related rows that a volume's view needs. */
interface VolumeRelations {
  metadata: Record<string, string>
  imageMetadata: Record<string, string>
  attachments: {
    id: string
    instance_uuid: string | null
    attached_host: string | null
    mountpoint: string | null
    attached_at: number | null
  }[]
  typeName: string | null
  encrypted: boolean
}

type RelationsById = Map<string, VolumeRelations>

/** Loads the relations of all given volumes, by volume id, with a fixed number of queries. */
export async function loadRelations(q: Query, rows: VolumeRow[]): Promise<RelationsById> {
  const relations: RelationsById = new Map()
  for (const { id } of rows) {
    relations.set(id, { metadata: {}, imageMetadata: {}, attachments: [], typeName: null, encrypted: false })
  }
  const ids = [...relations.keys()]
  if (ids.length === 0) return relations
  for (const { volume_id, kind, key, value } of await q('volume_metadata').whereIn('volume_id', ids)) {
    const one = relations.get(volume_id)!
    if (kind === 'image') setOwn(one.imageMetadata, key, value)
    // Users see only these two keys of the administrator's metadata.
    else if (kind === 'user' || key === 'readonly' || key === 'attached_mode') setOwn(one.metadata, key, value)
  }
  const attached = await q('attachments').whereIn('volume_id', ids).where({ status: 'attached' }).orderBy('created_at')
  for (const attachment of attached) relations.get(attachment.volume_id)!.attachments.push(attachment)
  const typeIds = [...new Set(rows.map((row) => row.volume_type_id))].filter((id) => id !== null)
  const types = await q('volume_types')
    .leftJoin('volume_type_encryptions', 'volume_types.id', 'volume_type_encryptions.volume_type_id')
    .whereIn('volume_types.id', typeIds)
    .select('volume_types.id', 'volume_types.name', 'volume_type_encryptions.encryption_id')
  const typesById = new Map(types.map((type) => [type.id, type]))
  for (const row of rows) {
    const type = typesById.get(row.volume_type_id)
    const one = relations.get(row.id)!
    one.typeName = type?.name ?? null
    one.encrypted = row.encryption_key_id !== null || Boolean(type?.encryption_id)
  }
  return relations
}

const shownStatus: Record<string, string> = {
  managing: 'creating',
  error_managing: 'error',
  error_managing_deleting: 'deleting',
}

/** Returns a volume as in responses of create and update. The reply schema removes fields of later microversions. */
export function plainView(
  context: Context,
  request: ApiRequest,
  row: VolumeRow,
  relations: VolumeRelations,
): Record<string, unknown> {
  const isAdmin = context.may('context_is_admin')
  const byNameOnly = context.allows('volume-type-by-name-only')
  return {
    id: row.id,
    status: own(shownStatus, row.status) ?? row.status,
    size: row.size,
    availability_zone: row.availability_zone,
    created_at: isoMicroseconds(row.created_at),
    updated_at: isoMicroseconds(row.updated_at),
    name: row.name,
    description: row.description,
    volume_type: relations.typeName ?? (byNameOnly ? null : row.volume_type_id),
    snapshot_id: row.snapshot_id,
    source_volid: row.source_volid,
    metadata: relations.metadata,
    links: itemLinks(request, 'volumes', row.id),
    user_id: row.user_id,
    bootable: String(row.bootable),
    encrypted: relations.encrypted,
    replication_status: row.replication_status,
    consistencygroup_id: row.consistencygroup_id,
    multiattach: row.multiattach,
    attachments: attachmentsView(row, relations, isAdmin || context.serviceRoles.includes('service')),
    migration_status: isAdmin ? row.migration_status : undefined,
    group_id: row.group_id,
    provider_id: isAdmin ? row.provider_id : undefined,
    shared_targets: row.host === null && context.allows('shared-targets-may-be-null') ? null : row.host === null,
    service_uuid: row.service_uuid,
    cluster_name: isAdmin ? null : undefined,
    volume_type_id: row.volume_type_id,
    encryption_key_id: row.encryption_key_id ?? undefined,
    consumes_quota: row.use_quota,
  }
}

function attachmentsView(row: VolumeRow, relations: VolumeRelations, showHost: boolean): object[] {
  return relations.attachments.map((attachment) => ({
    id: row.id,
    attachment_id: attachment.id,
    volume_id: row.id,
    server_id: attachment.instance_uuid,
    host_name: showHost ? attachment.attached_host : null,
    device: attachment.mountpoint,
    attached_at: isoMicroseconds(attachment.attached_at),
  }))
}

/** Returns a volume as in responses of show and detail, with the attributes that policies let the caller see. */
export function detailView(
  context: Context,
  request: ApiRequest,
  row: VolumeRow,
  relations: VolumeRelations,
): Record<string, unknown> {
  const target = { project_id: row.project_id, user_id: row.user_id }
  const view = plainView(context, request, row, relations)
  if (context.may('volume_extension:volume_host_attribute', target)) view['os-vol-host-attr:host'] = row.host
  if (context.may('volume_extension:volume_tenant_attribute', target)) {
    view['os-vol-tenant-attr:tenant_id'] = row.project_id
  }
  if (context.may('volume_extension:volume_mig_status_attribute', target)) {
    view['os-vol-mig-status-attr:migstat'] = row.migration_status
    view['os-vol-mig-status-attr:name_id'] = null
  }
  const hasImage = Object.keys(relations.imageMetadata).length > 0
  if (hasImage && context.may('volume_extension:volume_image_metadata:show', target)) {
    view.volume_image_metadata = relations.imageMetadata
  }
  return view
}
