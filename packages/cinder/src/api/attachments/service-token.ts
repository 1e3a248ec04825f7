import type { Context } from '@hearth/core'
import { type AttachmentRow, listAttachments } from '../../model/attachments/store.ts'
import { isNoCompute } from '../../model/clients/compute.ts'
import { errors } from '../../model/errors.ts'
import type { ApiDeps } from '../deps.ts'

/** Returns true for a request of a service for a user. Only X-Service-Token counts, as in cinder/volume/api.py. */
function isServiceRequest(context: Context): boolean {
  return context.serviceRoles.includes('service')
}

/**
 * Throws ConflictNovaUsingAttachment (409) if a server may still use the attachment (CVE-2023-2088). Without a service
 * token an attachment may be deleted only if it names no server, was never connected, or is unknown to Nova.
 */
export async function checkDetachAllowed(context: Context, attachment: AttachmentRow, deps: ApiDeps): Promise<void> {
  if (isServiceRequest(context)) return
  const { instance_uuid: server, connection_info: connection } = attachment
  if (server === null || connection === null) return
  const refusal = errors.ConflictNovaUsingAttachment({ instance_id: server })
  if (deps.compute === null) throw refusal
  const used = await deps.compute.attachmentOf(server, attachment.volume_id).catch((error: unknown) => {
    if (!isNoCompute(error))
      context.log.warn(
        { err: error, attachmentId: attachment.id },
        'Compute could not be asked whether a server uses the attachment; the detach is refused',
      )
    throw refusal
  })
  if (used === attachment.id) throw refusal
}

/**
 * Returns the attachment that a detach of a volume refers to: `attachmentId`, or the only one; null if there is none or
 * several. Throws VolumeAttachmentNotFound (404), and like `checkDetachAllowed` ConflictNovaUsingAttachment (409).
 */
export async function findAttachmentToDetach(
  context: Context,
  volumeId: string,
  attachmentId: string | null,
  deps: ApiDeps,
): Promise<AttachmentRow | null> {
  const attachments = await listAttachments(deps.database.query, { volume_id: volumeId })
  if (attachmentId !== null) {
    const attachment = attachments.find(({ id }) => id === attachmentId)
    if (!attachment) throw errors.VolumeAttachmentNotFound({ filter: `attachment_id = ${attachmentId}` })
    await checkDetachAllowed(context, attachment, deps)
    return attachment
  }
  if (attachments.length === 0) return null
  const [only] = attachments
  if (attachments.length > 1 && !isServiceRequest(context)) {
    throw errors.ConflictNovaUsingAttachment({ instance_id: only?.instance_uuid ?? 'unknown' })
  }
  await checkDetachAllowed(context, only!, deps)
  return attachments.length === 1 ? only! : null
}
