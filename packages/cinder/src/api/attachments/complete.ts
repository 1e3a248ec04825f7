import type { Context } from '@hearth/core'
import { move, type Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { attachmentStates } from '../../model/attachments/states.ts'
import { type AttachmentRow, getAttachment } from '../../model/attachments/store.ts'
import { syncVolumeStatus } from '../../model/attachments/volume-status.ts'
import { errors } from '../../model/errors.ts'
import { lockVolume } from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { getVolumeFor } from '../volumes/authorize.ts'

/** os-complete: the server has connected the volume. Sets the attachment to `attached` and the volume to `in-use`. */
export async function completeAttachment(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const q = deps.database.query
  const attachment = await getAttachment(q, request.params.id!)
  await getVolumeFor(context, q, attachment.volume_id, 'volume:attachment_complete')
  await deps.database.transaction((tx) => complete(tx, attachment))
  return undefined
}

async function complete(tx: Transaction, attachment: AttachmentRow): Promise<void> {
  const volume = await lockVolume(tx, attachment.volume_id)
  const set = { attached_at: Date.now() }
  const states = attachmentStates
  // Nova completes the reserved attachment of a shelved server: the volume is in use although nothing is connected.
  const from = ['reserved', 'attaching', 'attached']
  if (!(await move(tx, { table: 'attachments', id: attachment.id, to: 'attached', states, from, set }))) {
    const reason = `Attachment status must be reserved or attaching to be completed, but the current status is ${attachment.status}.`
    throw errors.InvalidVolume({ reason })
  }
  await syncVolumeStatus(tx, volume)
}
