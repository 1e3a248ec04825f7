import type { Query } from '@hearth/database'
import type { Filters } from '../filters.ts'
import { type Attributes, type Row, readJson } from '../store.ts'

/** A policy file somebody keeps here for a service to fetch; this suite's own rules come from elsewhere. */
export interface PolicyBlob {
  id: string
  type: string
  blob: string
  extra: Attributes
}

export async function findPolicy(query: Query, id: string): Promise<PolicyBlob | null> {
  const row: Row | undefined = await query('policy_blobs').where({ id }).first()
  return row ? fromRow(row) : null
}

export async function listPolicies(query: Query, exact: Filters['exact']): Promise<PolicyBlob[]> {
  return (await query('policy_blobs').where(exact).orderBy('id')).map(fromRow)
}

export async function insertPolicy(query: Query, policy: PolicyBlob): Promise<void> {
  await query('policy_blobs').insert({ ...policy, extra: JSON.stringify(policy.extra) })
}

export async function savePolicy(query: Query, policy: PolicyBlob): Promise<void> {
  const row = { ...policy, extra: JSON.stringify(policy.extra) }
  await query('policy_blobs').where({ id: policy.id }).update(row)
}

export async function removePolicy(query: Query, id: string): Promise<void> {
  await query('policy_blobs').where({ id }).delete()
}

function fromRow(row: Row): PolicyBlob {
  return { id: String(row.id), type: String(row.type), blob: String(row.blob), extra: readJson(row.extra) }
}
