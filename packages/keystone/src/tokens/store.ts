import type { RevocationEvent } from '@hearth/auth'
import { afterCommit, type Query, type Transaction } from '@hearth/database'
import type { Deps } from '../deps.ts'
import { orNull, type Row } from '../store.ts'
import type { SequencedEvent } from './source.ts'

export async function listSigningKeys(query: Query): Promise<{ id: string; pem: string }[]> {
  return query('signing_keys').select('id', 'pem').orderBy(['created_at', 'id'])
}

export async function saveSigningKey(query: Query, key: { id: string; pem: string }): Promise<void> {
  await query('signing_keys').insert({ ...key, created_at: Date.now() })
}

/** Voids tokens issued until now that match; `commit` makes it known to every token check of this process. */
export async function revoke(
  tx: Transaction,
  events: Omit<RevocationEvent, 'issuedBefore'>[],
  deps: { tokens: Pick<Deps['tokens'], 'noteRevocation'> },
): Promise<void> {
  if (events.length === 0) return
  const now = Date.now()
  const first = await takeNumbers(tx, events.length)
  const rows = events.map((event, index) => ({
    sequence: first + index,
    audit_id: event.auditId ?? null,
    audit_chain_id: event.auditChainId ?? null,
    user_id: event.userId ?? null,
    project_id: event.projectId ?? null,
    domain_id: event.domainId ?? null,
    role_name: event.roleName ?? null,
    app_credential_id: event.appCredentialId ?? null,
    issued_before: now,
    revoked_at: now,
  }))
  for (let at = 0; at < rows.length; at += 50) await tx('revocation_events').insert(rows.slice(at, at + 50))
  afterCommit(tx, deps.tokens.noteRevocation)
}

/** The first of `count` numbers nobody else has; others wait for this transaction to end. */
async function takeNumbers(tx: Transaction, count: number): Promise<number> {
  await tx('revocation_counter').where({ id: 1 }).increment('value', count)
  const row: Row | undefined = await tx('revocation_counter').where({ id: 1 }).first()
  return Number(row!.value) - count + 1
}

/** Events with a sequence number above `after`, in order. */
export async function listEvents(query: Query, after: number): Promise<SequencedEvent[]> {
  const rows: Row[] = await query('revocation_events').where('sequence', '>', after).orderBy('sequence')
  return rows.map((row) => ({
    sequence: Number(row.sequence),
    auditId: orNull(row.audit_id),
    auditChainId: orNull(row.audit_chain_id),
    userId: orNull(row.user_id),
    projectId: orNull(row.project_id),
    domainId: orNull(row.domain_id),
    roleName: orNull(row.role_name),
    appCredentialId: orNull(row.app_credential_id),
    issuedBefore: Number(row.issued_before),
    revokedAt: Number(row.revoked_at),
  }))
}

export async function pruneEvents(query: Query, before: number): Promise<void> {
  await query('revocation_events').where('revoked_at', '<', before).delete()
}
