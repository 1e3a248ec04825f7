import type { Query } from '@hearth/database'
import { orNull, type Row } from '../store.ts'

export interface Trust {
  id: string
  trustorId: string
  trusteeId: string
  projectId: string | null
  impersonation: boolean
  roleIds: string[]
  /** Milliseconds since the epoch; null: never. */
  expiresAt: number | null
  remainingUses: number | null
  redelegationCount: number
}

/** Returns the trust with this id, or null. */
export async function findTrust(query: Query, id: string): Promise<Trust | null> {
  const row: Row | undefined = await query('trusts').where({ id }).first()
  return row ? fromRow(row) : null
}

/** Returns the trusts of a trustor, of a trustee, or all, ordered by id. */
export async function listTrusts(
  query: Query,
  where: { trustor_user_id?: string; trustee_user_id?: string },
): Promise<Trust[]> {
  return (await query('trusts').where(where).orderBy('id')).map(fromRow)
}

/** Inserts a trust. */
export async function insertTrust(query: Query, trust: Trust): Promise<void> {
  await query('trusts').insert({
    id: trust.id,
    trustor_user_id: trust.trustorId,
    trustee_user_id: trust.trusteeId,
    project_id: trust.projectId,
    impersonation: trust.impersonation,
    role_ids: JSON.stringify(trust.roleIds),
    expires_at: trust.expiresAt,
    remaining_uses: trust.remainingUses,
    redelegation_count: trust.redelegationCount,
  })
}

/** Consumes one use of a trust with limited uses. Returns false when none is left. */
export async function consumeUse(query: Query, id: string): Promise<boolean> {
  return (await query('trusts').where({ id }).where('remaining_uses', '>', 0).decrement('remaining_uses', 1)) > 0
}

/** Removes a trust. */
export async function removeTrust(query: Query, id: string): Promise<void> {
  await query('trusts').where({ id }).delete()
}

function fromRow(row: Row): Trust {
  return {
    id: String(row.id),
    trustorId: String(row.trustor_user_id),
    trusteeId: String(row.trustee_user_id),
    projectId: orNull(row.project_id),
    impersonation: Boolean(row.impersonation),
    roleIds: JSON.parse(String(row.role_ids)) as string[],
    expiresAt: row.expires_at === null ? null : Number(row.expires_at),
    remainingUses: row.remaining_uses === null ? null : Number(row.remaining_uses),
    redelegationCount: Number(row.redelegation_count),
  }
}
