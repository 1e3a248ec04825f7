import type { Context } from '@hearth/core'
import { move, type Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { giveQuota, type QuotaChange, takeQuota } from '../../model/quotas/store.ts'
import { snapshotsOf } from '../../model/snapshots/store.ts'
import { changeOwner, deleteTransferRow, getTransfer, type TransferRow } from '../../model/transfers/store.ts'
import { getVolumeType, maySee } from '../../model/types/store.ts'
import { volumeStates } from '../../model/volumes/states.ts'
import { getVolume, type VolumeRow } from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { isKey } from './key.ts'
import { viewTransfer } from './view.ts'

/**
 * POST /volume-transfers/{id}/accept, by a caller who has the key. Quota moves from the giver to the taker together
 * with the volume. Throws InvalidAuthKey (400), and 413 when the taker's quota does not allow it.
 */
export async function acceptTransfer(context: Context, request: ApiRequest, deps: ApiDeps) {
  context.enforce('volume:accept_transfer')
  const key = String((request.body as { accept: { auth_key: string | number } }).accept.auth_key)
  const row = await deps.database.transaction(async (tx) => {
    const transfer = await getTransfer(tx, request.params.id!)
    if (!isKey(transfer, key))
      throw errors.InvalidAuthKey({ reason: `Attempt to transfer ${transfer.id} with invalid auth key.` })
    await accept(tx, context, transfer)
    return transfer
  })
  return { transfer: viewTransfer(request, row) }
}

async function accept(tx: Transaction, context: Context, transfer: TransferRow): Promise<void> {
  const volume = await getVolume(tx, transfer.volume_id)
  const owner = { project_id: context.identity?.projectId ?? '', user_id: context.identity?.userId ?? '' }
  const to = 'available'
  const from = 'awaiting-transfer'
  if (!(await move(tx, { table: 'volumes', id: volume.id, to, states: volumeStates, from }))) {
    throw errors.InvalidVolume({ reason: `Volume ${volume.id} is not awaiting a transfer.` })
  }
  if (!(await deleteTransferRow(tx, transfer.id))) throw errors.TransferNotFound({ transfer_id: transfer.id })
  const change = await quotaOf(tx, context, volume, !transfer.no_snapshots)
  await takeQuota(tx, { ...change, projectId: owner.project_id })
  await giveQuota(tx, { ...change, projectId: volume.project_id })
  await changeOwner(tx, volume.id, owner, !transfer.no_snapshots)
}

/**
 * Returns the quota that changes hands with a volume, without a project. Throws VolumeTypeNotFound (404) when the taker
 * may not use the volume's type.
 */
async function quotaOf(tx: Transaction, context: Context, volume: VolumeRow, withSnapshots: boolean) {
  const type = volume.volume_type_id === null ? null : await getVolumeType(tx, volume.volume_type_id)
  if (type && !(await maySee(tx, { id: type.id, is_public: type.isPublic }, context))) {
    throw errors.VolumeTypeNotFound({ volume_type_id: type.id })
  }
  const snapshots = withSnapshots ? (await snapshotsOf(tx, volume.id)).filter(({ use_quota }) => use_quota) : []
  const gigabytes = snapshots.reduce((sum, { size }) => sum + size, volume.use_quota ? volume.size : 0)
  const deltas = { volumes: volume.use_quota ? 1 : 0, gigabytes, snapshots: snapshots.length }
  const change: QuotaChange = { projectId: '', deltas, volumeTypeName: type?.name ?? null }
  return change
}
