import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import { errors } from '../../model/errors.ts'
import { getSnapshot, type SnapshotRow } from '../../model/snapshots/store.ts'

/**
 * Returns the snapshot. Throws SnapshotNotFound (404) if another project owns it, PolicyNotAuthorized (403) if `rule`
 * fails.
 */
export function checkSnapshot(context: Context, snapshot: SnapshotRow, rule: string): SnapshotRow {
  const own = snapshot.project_id === context.identity?.projectId
  if (!own && !context.may('context_is_admin')) throw errors.SnapshotNotFound({ snapshot_id: snapshot.id })
  context.enforce(rule, { project_id: snapshot.project_id, user_id: snapshot.user_id })
  return snapshot
}

/**
 * Returns the snapshot if `rule` allows the caller to use it. Throws SnapshotNotFound (404) or PolicyNotAuthorized
 * (403).
 */
export async function getSnapshotFor(context: Context, q: Query, id: string, rule: string): Promise<SnapshotRow> {
  return checkSnapshot(context, await getSnapshot(q, id), rule)
}
