import type { RevocationEvent } from '@hearth/auth'
import { afterCommit, type Query, type Transaction } from '@hearth/database'
import type { Deps } from '../deps.ts'
import { orNull, type Row } from '../store.ts'

export interface StoredKey {
  id: string
  /** PKCS#8, wrapped by a secret that is not in the database. */
  pem: string
  /** Milliseconds since the epoch. */
  createdAt: number
  /** When it was replaced; null for the key that signs. */
  retiredAt: number | null
  /** Longest life of a token it signed. */
  tokenSeconds: number
}

/** All keys, oldest first. */
export async function listSigningKeys(query: Query): Promise<StoredKey[]> {
  const rows: Row[] = await query('signing_keys').orderBy(['created_at', 'id'])
  return rows.map((row) => ({
    id: String(row.id),
    pem: String(row.pem),
    createdAt: Number(row.created_at),
    retiredAt: row.retired_at === null ? null : Number(row.retired_at),
    tokenSeconds: Number(row.token_seconds),
  }))
}

export async function insertSigningKey(query: Query, key: Pick<StoredKey, 'id' | 'pem' | 'createdAt'>): Promise<void> {
  await query('signing_keys').insert({ id: key.id, pem: key.pem, created_at: key.createdAt, token_seconds: 0 })
}

/** False when the key has been changed meanwhile. */
export async function replacePem(query: Query, key: StoredKey, pem: string): Promise<boolean> {
  return Number(await query('signing_keys').where({ id: key.id, pem: key.pem }).update({ pem })) > 0
}

/** Retires every key that is not yet. */
export async function retireSigningKey(query: Query, retiredAt: number): Promise<void> {
  await query('signing_keys').whereNull('retired_at').update({ retired_at: retiredAt })
}

export async function removeSigningKey(query: Query, id: string): Promise<void> {
  await query('signing_keys').where({ id }).delete()
}

/** Records that a key signs tokens of this life, so that it stays long enough. */
export async function raiseTokenSeconds(query: Query, id: string, seconds: number): Promise<void> {
  await query('signing_keys').where({ id }).where('token_seconds', '<', seconds).update({ token_seconds: seconds })
}

/** Voids tokens issued until now that match; `commit` makes it known to every token check of this process. */
export async function revoke(
  tx: Transaction,
  events: Omit<RevocationEvent, 'issuedBefore'>[],
  deps: { tokens: Pick<Deps['tokens'], 'noteRevocation'> },
): Promise<void> {
  if (events.length === 0) return
  const now = Date.now()
  const first = await allocateNumbers(tx, events.length)
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
async function allocateNumbers(tx: Transaction, count: number): Promise<number> {
  await tx('revocation_counter').where({ id: 1 }).increment('value', count)
  const row: Row | undefined = await tx('revocation_counter').where({ id: 1 }).first()
  return Number(row!.value) - count + 1
}

/** Events with a sequence number above `after`, in order; at most `limit`. */
export async function listEvents(query: Query, after: number, limit?: number): Promise<SequencedEvent[]> {
  const wanted = query('revocation_events').where('sequence', '>', after).orderBy('sequence')
  const rows: Row[] = await (limit === undefined ? wanted : wanted.limit(limit))
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

/** Numbers of the oldest event kept (the next one when there is none) and of the newest ever made. */
export async function eventRange(query: Query): Promise<{ first: number; last: number }> {
  const counter: Row | undefined = await query('revocation_counter').where({ id: 1 }).first()
  const last = Number(counter!.value)
  const oldest: Row | undefined = await query('revocation_events').min('sequence as first').first()
  return { first: oldest?.first == null ? last + 1 : Number(oldest.first), last }
}

export async function pruneEvents(query: Query, before: number): Promise<void> {
  await query('revocation_events').where('revoked_at', '<', before).delete()
}

export type SequencedEvent = RevocationEvent & { sequence: number; revokedAt: number }
