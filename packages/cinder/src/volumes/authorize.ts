import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import { errors } from '../errors.ts'
import { getVolume, type VolumeRow } from './store.ts'

/** Throws VolumeNotFound (404) when the volume is another project's, PolicyNotAuthorized (403) when the rule says no. */
export function checkVolume(context: Context, volume: VolumeRow, rule: string): VolumeRow {
  const own = volume.project_id === context.identity?.projectId
  if (!own && !context.may('context_is_admin')) throw errors.VolumeNotFound({ volume_id: volume.id })
  context.enforce(rule, { project_id: volume.project_id, user_id: volume.user_id })
  return volume
}

/** The volume, if the caller may do to it what `rule` guards. Throws 404 or 403. */
export async function volumeFor(context: Context, q: Query, id: string, rule: string): Promise<VolumeRow> {
  return checkVolume(context, await getVolume(q, id), rule)
}
