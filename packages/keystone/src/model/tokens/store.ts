import type { RevocationEvent } from '@hearth/auth'
import { afterCommit, type Query, type Transaction } from '@hearth/database'
import type { Deps } from '../deps.ts'
import { orNull, type Row } from '../store.ts'

export interface StoredKey {
  id: string
  /** PKCS#8 key, wrapped by a secret that is not in the database. */
  pem: string
  /** Creation time in milliseconds since the epoch. */
  createdAt: number
  /** Time of its replacement, milliseconds since the epoch; null for the key that signs. */
  retiredAt: number | null
  /** Longest lifetime in seconds of a token that it signed. */
  tokenSeconds: number
}

/** Returns all keys, oldest first. */
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

/** Inserts a signing key that has signed no tokens yet. */
export async function insertSigningKey(query: Query, key: Pick<StoredKey, 'id' | 'pem' | 'createdAt'>): Promise<void> {
  await query('signing_keys').insert({ id: key.id, pem: key.pem, created_at: key.createdAt, token_seconds: 0 })
}

/** Replaces the stored PEM of a key. Returns false when another process has changed it meanwhile. */
export async function replacePem(query: Query, key: StoredKey, pem: string): Promise<boolean> {
  return Number(await query('signing_keys').where({ id: key.id, pem: key.pem }).update({ pem })) > 0
}

/** Retires all keys that are not retired yet. */
export async function retireSigningKey(query: Query, retiredAt: number): Promise<void> {
  await query('signing_keys').whereNull('retired_at').update({ retired_at: retiredAt })
}

/** Removes a signing key; its tokens become invalid. */
export async function removeSigningKey(query: Query, id: string): Promise<void> {
  await query('signing_keys').where({ id }).delete()
}

/** Raises the recorded lifetime of the tokens that a key signs, so that the key is stored long enough. */
export async function raiseTokenSeconds(query: Query, id: string, seconds: number): Promise<void> {
  await query('signing_keys').where({ id }).where('token_seconds', '<', seconds).update({ token_seconds: seconds })
}

/** Revokes the matching tokens issued until now. `commit` makes the revocation effective in this process. */
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

/** Returns the first of `count` new event numbers. Other callers wait until this transaction ends. */
async function allocateNumbers(tx: Transaction, count: number): Promise<number> {
  await tx('revocation_counter').where({ id: 1 }).increment('value', count)
  const row: Row | undefined = await tx('revocation_counter').where({ id: 1 }).first()
  return Number(row!.value) - count + 1
}

/** Returns the events with a number above `after`, in order; at most `limit`. */
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

/**
 * Returns the number of the oldest stored event (of the next one when there is none) and of the newest event ever made.
 */
export async function eventRange(query: Query): Promise<{ first: number; last: number }> {
  const counter: Row | undefined = await query('revocation_counter').where({ id: 1 }).first()
  const last = Number(counter!.value)
  const oldest: Row | undefined = await query('revocation_events').min('sequence as first').first()
  return { first: oldest?.first == null ? last + 1 : Number(oldest.first), last }
}

/** Removes the events made before `before`, milliseconds since the epoch. */
export async function pruneEvents(query: Query, before: number): Promise<void> {
  await query('revocation_events').where('revoked_at', '<', before).delete()
}

type SequencedEvent = RevocationEvent & { sequence: number; revokedAt: number }
