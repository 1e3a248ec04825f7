import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import {
  type AttachmentRow,
  deleteAttachmentRow,
  getAttachment,
  listAttachments,
} from '../../model/attachments/store.ts'
import { syncVolumeStatus } from '../../model/attachments/volume-status.ts'
import { disconnectVolume, messageContext } from '../../model/topics.ts'
import { backendOf, lockVolume, type VolumeRow } from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { getVolumeFor } from '../volumes/authorize.ts'
import { checkDetachAllowed } from './service-token.ts'
import { summaryView } from './view.ts'

/** DELETE /attachments/{id}: returns the remaining attachments of the volume. */
export async function deleteAttachment(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const q = deps.database.query
  const attachment = await getAttachment(q, request.params.id!)
  const volume = await getVolumeFor(context, q, attachment.volume_id, 'volume:attachment_delete')
  await checkDetachAllowed(context, attachment, deps)
  await removeAttachment(context, volume, attachment, deps)
  const remaining = await listAttachments(q, { volume_id: volume.id })
  return { attachments: remaining.map(summaryView) }
}

/** Deletes an attachment: by the backend if it is connected, else only its row. */
async function removeAttachment(
  context: Context,
  volume: VolumeRow,
  attachment: AttachmentRow,
  deps: ApiDeps,
): Promise<void> {
  if (attachment.connection_info !== null && volume.host !== null) {
    const payload = { volumeId: volume.id, attachmentId: attachment.id }
    await deps.bus.call(disconnectVolume, backendOf(volume.host), payload, messageContext(context))
    return
  }
  await deps.database.transaction(async (tx) => {
    const locked = await lockVolume(tx, volume.id)
    await deleteAttachmentRow(tx, attachment.id)
    await syncVolumeStatus(tx, locked)
  })
}
