import { listAttachments } from '../attachments/store.ts'
import type { BackendDeps } from './backend-deps.ts'

/** Tells Nova about the servers of a volume's attachments; a failure is logged, as the work itself is done. */
export async function tellCompute(
  event: 'volumeExtended' | 'volumeReimaged',
  filter: { volume_id: string; status?: string },
  deps: Pick<BackendDeps, 'database' | 'compute' | 'log'>,
): Promise<void> {
  const attachments = await listAttachments(deps.database.query, filter)
  const servers = attachments.flatMap(({ instance_uuid }) => (instance_uuid === null ? [] : [instance_uuid]))
  if (servers.length === 0) return
  await deps.compute?.[event](servers, filter.volume_id).catch((error: unknown) => {
    deps.log.warn({ err: error, volumeId: filter.volume_id, event }, 'compute could not be told about a volume')
  })
}
