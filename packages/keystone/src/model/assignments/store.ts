import { own } from '@hearth/core'
import { insertIfAbsent, type Query, type Transaction } from '@hearth/database'
import type { Row } from '../store.ts'

type ActorType = 'user' | 'group'
type TargetType = 'project' | 'domain' | 'system'

export interface Assignment {
  actorType: ActorType
  actorId: string
  targetType: TargetType
  /** Id of the target; '' for the system. */
  targetId: string
  /** Role that the actor has on the target. */
  roleId: string
  /** True when the assignment applies to the projects below the target and not to the target itself. */
  inherited: boolean
}

export type AssignmentFilter = Partial<Assignment>

/** Returns the stored assignments that match the filter. */
export async function listAssignments(query: Query, filter: AssignmentFilter): Promise<Assignment[]> {
  const rows: Row[] = await query('role_assignments').where(toRow(filter)).orderBy(['actor_id', 'target_id', 'role_id'])
  return rows.map(fromRow)
}

/** Returns the assignments of the user and of all groups of the user. Reads the memberships in the same query. */
export async function assignmentsOf(query: Query, userId: string): Promise<Assignment[]> {
  const groups = query('group_members').where({ user_id: userId }).select('group_id')
  const rows: Row[] = await query('role_assignments')
    .where({ actor_type: 'user', actor_id: userId })
    .orWhere((either) => either.where({ actor_type: 'group' }).whereIn('actor_id', groups))
  return rows.map(fromRow)
}

/** Inserts an assignment; does nothing when it exists. */
export async function addAssignment(tx: Transaction, assignment: Assignment): Promise<void> {
  await insertIfAbsent(tx, 'role_assignments', toRow(assignment))
}

/** Removes an assignment. Returns false when there was none. */
export async function removeAssignment(query: Query, assignment: Assignment): Promise<boolean> {
  return (await query('role_assignments').where(toRow(assignment)).delete()) > 0
}

function fromRow(row: Row): Assignment {
  return {
    actorType: row.actor_type as ActorType,
    actorId: String(row.actor_id),
    targetType: row.target_type as TargetType,
    targetId: String(row.target_id),
    roleId: String(row.role_id),
    inherited: Boolean(row.inherited),
  }
}

const columns: Record<keyof Assignment, string> = {
  actorType: 'actor_type',
  actorId: 'actor_id',
  targetType: 'target_type',
  targetId: 'target_id',
  roleId: 'role_id',
  inherited: 'inherited',
}

function toRow(assignment: AssignmentFilter): Row {
  const given = Object.entries(assignment).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given.map(([key, value]) => [own(columns, key)!, value]))
}
