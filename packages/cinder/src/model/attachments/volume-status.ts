import { own } from '@hearth/core'
import { move, type Transaction } from '@hearth/database'
import { volumeStates } from '../volumes/states.ts'
import { updateVolume, type VolumeRow } from '../volumes/store.ts'
import { listAttachments } from './store.ts'

/** Attachment status → volume status. The first status in this list that an attachment has decides. */
const ranks: [attachment: string, volume: string][] = [
  ['attached', 'in-use'],
  ['attaching', 'attaching'],
  ['reserved', 'reserved'],
]

/** Volume statuses that stay when attachments change, because an operation is in progress. */
const busy = ['uploading', 'extending', 'backing-up', 'retyping', 'downloading', 'deleting', 'maintenance']

/** Sets a volume's status and attach_status to match its attachments. The caller holds the lock of the volume's row. */
export async function syncVolumeStatus(tx: Transaction, volume: VolumeRow): Promise<void> {
  const attachments = await listAttachments(tx, { volume_id: volume.id })
  const statuses = attachments.map(({ status }) => status)
  const [, to = 'available'] = ranks.find(([attachment]) => statuses.includes(attachment)) ?? []
  const attached = statuses.includes('attached')
  const attach_status = attached ? 'attached' : (ranks.find(([one]) => statuses.includes(one))?.[0] ?? 'detached')
  if (attachments.length === 0)
    await tx('volume_metadata').where({ volume_id: volume.id, kind: 'admin', key: 'attached_mode' }).delete()
  if (volume.status === to || busy.includes(volume.status)) {
    // An operation in progress ends in `previous_status`, which the changed attachments may replace.
    const previous = busy.includes(volume.status) && volume.previous_status !== null ? { previous_status: to } : {}
    await updateVolume(tx, volume.id, { attach_status, ...previous })
    return
  }
  const set = { attach_status }
  const from = volume.status
  if (own(volumeStates, from)?.includes(to))
    await move(tx, { table: 'volumes', id: volume.id, to, states: volumeStates, from, set })
  else await updateVolume(tx, volume.id, set)
}
