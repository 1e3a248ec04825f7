import type { Query } from '@hearth/database'
import type { Filters } from '../list-query.ts'
import { type Attributes, type Row, readJson } from '../store.ts'

/** Policy file that an administrator stores for another service to fetch. The services of Hearth do not read it. */
export interface PolicyBlob {
  id: string
  type: string
  blob: string
  extra: Attributes
}

/** Returns the policy with this id, or null. */
export async function findPolicy(query: Query, id: string): Promise<PolicyBlob | null> {
  const row: Row | undefined = await query('policy_blobs').where({ id }).first()
  return row ? fromRow(row) : null
}

/** Returns the policies whose columns equal `exact`, ordered by id. */
export async function listPolicies(query: Query, exact: Filters['exact']): Promise<PolicyBlob[]> {
  return (await query('policy_blobs').where(exact).orderBy('id')).map(fromRow)
}

/** Inserts a policy. */
export async function insertPolicy(query: Query, policy: PolicyBlob): Promise<void> {
  await query('policy_blobs').insert({ ...policy, extra: JSON.stringify(policy.extra) })
}

/** Writes all columns of a policy. */
export async function savePolicy(query: Query, policy: PolicyBlob): Promise<void> {
  const row = { ...policy, extra: JSON.stringify(policy.extra) }
  await query('policy_blobs').where({ id: policy.id }).update(row)
}

/** Removes a policy. */
export async function removePolicy(query: Query, id: string): Promise<void> {
  await query('policy_blobs').where({ id }).delete()
}

function fromRow(row: Row): PolicyBlob {
  return { id: String(row.id), type: String(row.type), blob: String(row.blob), extra: readJson(row.extra) }
}
