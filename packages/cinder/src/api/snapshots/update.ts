import { type Context, own } from '@hearth/core'
import { move } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { resetSnapshotStates, snapshotStates } from '../../model/snapshots/states.ts'
import {
  deleteSnapshotMetadata,
  getSnapshot,
  readSnapshotMetadata,
  type SnapshotRow,
  updateSnapshot as updateRow,
  writeSnapshotMetadata,
} from '../../model/snapshots/store.ts'
import type { ApiDeps } from '../deps.ts'
import { trimmed } from '../volumes/create.ts'
import { onlyItem } from '../volumes/metadata.ts'
import { getSnapshotFor } from './authorize.ts'
import { plainView } from './view.ts'

type Entries = Record<string, string>

interface UpdateBody {
  name?: string | null
  description?: string | null
  display_name?: string | null
  display_description?: string | null
}

/** PUT /snapshots/{id}: name and description. */
export async function updateSnapshot(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const q = deps.database.query
  const id = request.params.id!
  await getSnapshotFor(context, q, id, 'volume:update_snapshot')
  const body = (request.body as { snapshot: UpdateBody }).snapshot
  const set: Partial<Omit<SnapshotRow, 'status'>> = {}
  if (body.name !== undefined || body.display_name !== undefined) set.name = trimmed(body.name ?? body.display_name)
  if (body.description !== undefined || body.display_description !== undefined) {
    set.description = trimmed(body.description ?? body.display_description)
  }
  await updateRow(q, id, set)
  const metadata = await readSnapshotMetadata(q, [id])
  return { snapshot: plainView(await getSnapshot(q, id), metadata.get(id)!) }
}

/** GET /snapshots/{id}/metadata. */
export async function listMetadata(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const q = deps.database.query
  const { id } = await getSnapshotFor(context, q, request.params.id!, 'volume:get_snapshot_metadata')
  return { metadata: (await readSnapshotMetadata(q, [id])).get(id) }
}

/** POST merges metadata, PUT replaces it. */
export async function setMetadata(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const { id } = await getSnapshotFor(
    context,
    deps.database.query,
    request.params.id!,
    'volume:update_snapshot_metadata',
  )
  const { metadata } = request.body as { metadata: Entries }
  await deps.database.transaction((tx) => writeSnapshotMetadata(tx, id, metadata, request.method === 'PUT'))
  return { metadata: (await readSnapshotMetadata(deps.database.query, [id])).get(id) }
}

/** GET /snapshots/{id}/metadata/{key}. Throws SnapshotMetadataNotFound (404). */
export async function showMetadataItem(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const { id = '', key = '' } = request.params
  await getSnapshotFor(context, deps.database.query, id, 'volume:get_snapshot_metadata')
  const value = own((await readSnapshotMetadata(deps.database.query, [id])).get(id)!, key)
  if (value === undefined) throw errors.SnapshotMetadataNotFound({ id, key })
  return { meta: { [key]: value } }
}

/** PUT /snapshots/{id}/metadata/{key}. */
export async function setMetadataItem(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const { id = '', key = '' } = request.params
  await getSnapshotFor(context, deps.database.query, id, 'volume:update_snapshot_metadata')
  const value = onlyItem((request.body as { meta: Entries }).meta, key)
  await deps.database.transaction((tx) => writeSnapshotMetadata(tx, id, { [key]: value }))
  return { meta: { [key]: value } }
}

/** DELETE /snapshots/{id}/metadata/{key}. Throws SnapshotMetadataNotFound (404). */
export async function removeMetadataItem(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const { id = '', key = '' } = request.params
  await getSnapshotFor(context, deps.database.query, id, 'volume:delete_snapshot_metadata')
  if (!(await deleteSnapshotMetadata(deps.database.query, id, key))) throw errors.SnapshotMetadataNotFound({ id, key })
  return undefined
}

/** os-reset_status: an administrator sets the status by hand; nothing changes on the backend. */
export async function resetSnapshot(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const rule = 'volume_extension:snapshot_admin_actions:reset_status'
  const snapshot = await getSnapshotFor(context, deps.database.query, request.params.id!, rule)
  const { status } = (request.body as { 'os-reset_status': { status: string } })['os-reset_status']
  const states = { ...resetSnapshotStates, [snapshot.status]: [status] }
  const from = snapshot.status
  await move(deps.database.query, { table: 'snapshots', id: snapshot.id, to: status, states, from })
  return undefined
}

/** os-update_snapshot_status: sets status and progress of a snapshot that Nova makes. Throws InvalidParameter (400). */
export async function updateSnapshotStatus(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const rule = 'snapshot_extension:snapshot_actions:update_snapshot_status'
  const snapshot = await getSnapshotFor(context, deps.database.query, request.params.id!, rule)
  const body = request.body as { 'os-update_snapshot_status': { status: string; progress?: string } }
  const { status, progress } = body['os-update_snapshot_status']
  const allowed: Record<string, string[]> = {
    creating: ['creating', 'available', 'error'],
    deleting: ['deleting', 'error_deleting'],
  }
  const refusal = `Snapshot status ${snapshot.status} not allowed for update_snapshot_status`
  if (!own(allowed, snapshot.status)) throw errors.InvalidParameter({ reason: refusal })
  if (!own(allowed, snapshot.status)!.includes(status)) {
    const reason = `Provided snapshot status ${status} not allowed for snapshot with status ${snapshot.status}.`
    throw errors.InvalidParameter({ reason })
  }
  const set = progress === undefined ? {} : { progress }
  const { id, status: from } = snapshot
  await move(deps.database.query, { table: 'snapshots', id, to: status, states: snapshotStates, from, set })
  return undefined
}
