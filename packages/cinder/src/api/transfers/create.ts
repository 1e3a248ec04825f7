import { type Context, uuid } from '@hearth/core'
import { move, type Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { snapshotsOf } from '../../model/snapshots/store.ts'
import { insertTransfer, type TransferRow } from '../../model/transfers/store.ts'
import { volumeStates } from '../../model/volumes/states.ts'
import type { VolumeRow } from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { getVolumeFor } from '../volumes/authorize.ts'
import { trimmed } from '../volumes/create.ts'
import { isTruthy } from '../volumes/schema.ts'
import { hashKey, newKey, newSalt } from './key.ts'
import { viewTransfer } from './view.ts'

/** POST /volume-transfers. Only this response contains the key. Throws 400 unless the volume is available. */
export async function createTransfer(context: Context, request: ApiRequest, deps: ApiDeps) {
  const body = request.body as { transfer: { volume_id: string; name?: string | null; no_snapshots?: unknown } }
  const { volume_id, name, no_snapshots } = body.transfer
  const volume = await getVolumeFor(context, deps.database.query, volume_id, 'volume:create_transfer')
  const noSnapshots = isTruthy(no_snapshots)
  checkEncrypted(context, volume, noSnapshots)
  const key = newKey()
  const salt = newSalt()
  const row: TransferRow = {
    id: uuid(),
    volume_id: volume.id,
    name: trimmed(name),
    salt,
    key_hash: hashKey(salt, key),
    no_snapshots: noSnapshots,
    accepted: false,
    source_project_id: volume.project_id,
    destination_project_id: null,
    created_at: Date.now(),
  }
  await deps.database.transaction(async (tx) => {
    await occupy(tx, volume, noSnapshots)
    await insertTransfer(tx, row)
  })
  return { transfer: { ...viewTransfer(request, row), auth_key: key } }
}

async function occupy(tx: Transaction, { id }: VolumeRow, noSnapshots: boolean): Promise<void> {
  const to = 'awaiting-transfer'
  if (!(await move(tx, { table: 'volumes', id, to, states: volumeStates, from: 'available' }))) {
    throw errors.InvalidVolume({ reason: 'status must be available' })
  }
  const busy = noSnapshots ? undefined : (await snapshotsOf(tx, id)).find(({ status }) => status !== 'available')
  if (busy) throw errors.InvalidSnapshot({ reason: `snapshot ${busy.id} must be available` })
}

/** The key of an encrypted volume can change hands since 3.70, and with all its snapshots only. */
function checkEncrypted(context: Context, volume: VolumeRow, noSnapshots: boolean): void {
  if (volume.encryption_key_id === null) return
  if (!context.allows('transfer-encrypted'))
    throw errors.InvalidVolume({ reason: 'transferring encrypted volume is not supported' })
  if (noSnapshots) {
    throw errors.InvalidVolume({ reason: 'transferring an encrypted volume without its snapshots is not supported' })
  }
}
