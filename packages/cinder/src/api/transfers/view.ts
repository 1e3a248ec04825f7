import { isoMicroseconds } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { TransferRow } from '../../model/transfers/store.ts'
import { itemLinks } from '../links.ts'

/** Returns a transfer in full. The reply schema drops fields that the response or the microversion does not have. */
export function viewTransfer(request: ApiRequest, row: TransferRow) {
  return {
    id: row.id,
    volume_id: row.volume_id,
    name: row.name,
    created_at: isoMicroseconds(row.created_at),
    no_snapshots: row.no_snapshots,
    source_project_id: row.source_project_id,
    destination_project_id: row.destination_project_id,
    accepted: row.accepted,
    links: itemLinks(request, 'os-volume-transfer', row.id),
  }
}
