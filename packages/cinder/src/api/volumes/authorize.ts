import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import { errors } from '../../model/errors.ts'
import { getVolume, type VolumeRow } from '../../model/volumes/store.ts'

/**
 * Returns the volume. Throws VolumeNotFound (404) if another project owns it, PolicyNotAuthorized (403) if `rule`
 * fails.
 */
function checkVolume(context: Context, volume: VolumeRow, rule: string): VolumeRow {
  const own = volume.project_id === context.identity?.projectId
  if (!own && !context.may('context_is_admin')) throw errors.VolumeNotFound({ volume_id: volume.id })
  context.enforce(rule, { project_id: volume.project_id, user_id: volume.user_id })
  return volume
}

/**
 * Returns the volume if `rule` allows the caller to use it. Throws VolumeNotFound (404) or PolicyNotAuthorized (403).
 */
export async function getVolumeFor(context: Context, q: Query, id: string, rule: string): Promise<VolumeRow> {
  return checkVolume(context, await getVolume(q, id), rule)
}
