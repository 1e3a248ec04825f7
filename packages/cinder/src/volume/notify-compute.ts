import { listAttachments } from '../model/attachments/store.ts'
import type { BackendDeps } from './deps.ts'

/**
 * Sends an event to Nova for each server with an attachment of the volume. A failure is only logged: the work is done.
 */
export async function notifyCompute(
  event: 'volumeExtended' | 'volumeReimaged',
  filter: { volume_id: string; status?: string },
  deps: Pick<BackendDeps, 'database' | 'compute' | 'log'>,
): Promise<void> {
  const attachments = await listAttachments(deps.database.query, filter)
  const servers = attachments.flatMap(({ instance_uuid }) => (instance_uuid === null ? [] : [instance_uuid]))
  if (servers.length === 0) return
  await deps.compute?.[event](servers, filter.volume_id).catch((error: unknown) => {
    deps.log.warn(
      { err: error, volumeId: filter.volume_id, event },
      'the event for the servers of a volume could not be sent to Compute',
    )
  })
}
