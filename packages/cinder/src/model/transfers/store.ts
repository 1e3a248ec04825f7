import type { Query, Transaction } from '@hearth/database'
import { errors } from '../errors.ts'

/** A volume offered to whoever has the key; only a salted hash of the key is kept. */
export interface TransferRow {
  id: string
  volume_id: string
  name: string | null
  salt: string
  key_hash: string
  no_snapshots: boolean
  accepted: boolean
  source_project_id: string
  destination_project_id: string | null
  created_at: number
}

/** Returns rows of the table as transfers, with booleans. */
export function transferRows(rows: unknown[]): TransferRow[] {
  return (rows as TransferRow[]).map((row) => ({
    ...row,
    no_snapshots: Boolean(row.no_snapshots),
    accepted: Boolean(row.accepted),
  }))
}

/** Throws TransferNotFound (404). */
export async function getTransfer(q: Query, id: string): Promise<TransferRow> {
  const row = await q('volume_transfers').where({ id }).first()
  if (!row) throw errors.TransferNotFound({ transfer_id: id })
  return transferRows([row])[0]!
}

/** Inserts a transfer. */
export async function insertTransfer(tx: Transaction, row: TransferRow): Promise<void> {
  await tx('volume_transfers').insert(row)
}

/** False when it was gone. */
export async function deleteTransferRow(tx: Transaction, id: string): Promise<boolean> {
  return (await tx('volume_transfers').where({ id }).delete()) > 0
}

/** Gives a volume, and its snapshots if they go along, to another project. */
export async function changeOwner(
  tx: Transaction,
  volumeId: string,
  owner: { project_id: string; user_id: string },
  withSnapshots: boolean,
): Promise<void> {
  await tx('volumes').where({ id: volumeId }).update(owner)
  if (withSnapshots) await tx('snapshots').where({ volume_id: volumeId }).update(owner)
}
