import type { Context } from '@hearth/core'
import { isNoCompute } from '../clients/compute.ts'
import type { ApiDeps } from '../deps.ts'
import { errors } from '../errors.ts'
import { type AttachmentRow, listAttachments } from './store.ts'

/** True when another service asks on the user's behalf: by X-Service-Token alone, as cinder/volume/api.py has it. */
export function isServiceRequest(context: Context): boolean {
  return context.serviceRoles.includes('service')
}

/**
 * A volume that a server may still use must not be taken from under it (CVE-2023-2088): without a service's token an
 * attachment may go only when no server is named or none was ever connected, or when Nova knows nothing of it. Throws 409.
 */
export async function checkDetachAllowed(context: Context, attachment: AttachmentRow, deps: ApiDeps): Promise<void> {
  if (isServiceRequest(context)) return
  const { instance_uuid: server, connection_info: connection } = attachment
  if (server === null || connection === null) return
  const refusal = errors.ConflictNovaUsingAttachment({ instance_id: server })
  if (deps.compute === null) throw refusal
  const used = await deps.compute.attachmentOf(server, attachment.volume_id).catch((error: unknown) => {
    if (!isNoCompute(error))
      context.log.warn({ err: error, attachmentId: attachment.id }, 'compute could not be asked about an attachment')
    throw refusal
  })
  if (used === attachment.id) throw refusal
}

/** The same for calls that name a volume and perhaps an attachment. Answers the attachment that is meant, if any. */
export async function findAttachmentToDetach(
  context: Context,
  volumeId: string,
  attachmentId: string | null,
  deps: ApiDeps,
): Promise<AttachmentRow | null> {
  const attachments = await listAttachments(deps.database.query, { volume_id: volumeId })
  if (attachmentId !== null) {
    const meant = attachments.find(({ id }) => id === attachmentId)
    if (!meant) throw errors.VolumeAttachmentNotFound({ filter: `attachment_id = ${attachmentId}` })
    await checkDetachAllowed(context, meant, deps)
    return meant
  }
  if (attachments.length === 0) return null
  const [only] = attachments
  if (attachments.length > 1 && !isServiceRequest(context)) {
    throw errors.ConflictNovaUsingAttachment({ instance_id: only?.instance_uuid ?? 'unknown' })
  }
  await checkDetachAllowed(context, only!, deps)
  return attachments.length === 1 ? only! : null
}
