import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import { errors } from '../errors.ts'
import { getSnapshot, type SnapshotRow } from './store.ts'

/** Throws SnapshotNotFound (404) when it is another project's, PolicyNotAuthorized (403) when the rule says no. */
export function checkSnapshot(context: Context, snapshot: SnapshotRow, rule: string): SnapshotRow {
  const own = snapshot.project_id === context.identity?.projectId
  if (!own && !context.may('context_is_admin')) throw errors.SnapshotNotFound({ snapshot_id: snapshot.id })
  context.enforce(rule, { project_id: snapshot.project_id, user_id: snapshot.user_id })
  return snapshot
}

export async function getSnapshotFor(context: Context, q: Query, id: string, rule: string): Promise<SnapshotRow> {
  return checkSnapshot(context, await getSnapshot(q, id), rule)
}
