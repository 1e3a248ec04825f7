import { uuid } from '@hearth/core'
import { insertIfAbsent, type Query, type Transaction } from '@hearth/database'
import type { Message, MessageContext } from './topic.ts'

const table = 'bus_outbox'

/** A cast that is not yet handled (memory bus) or not yet sent to the broker (amqp). */
export interface OutboxRow {
  /** Number that grows in the order of insertion. */
  seq: number
  /** The message's id. */
  id: string
  service: string
  topic: string
  target: string
  /** JSON. */
  payload: string
  /** JSON. */
  context: string
  /** Number of deliveries that failed or may have failed. */
  attempts: number
  /** Earliest delivery, milliseconds since the epoch. */
  not_before: number
  /** The relay that is publishing the row until `leased_until`. */
  owner: string | null
  leased_until: number
  created_at: number
}

export type NewRow = Omit<OutboxRow, 'seq'>

/** Inserts the row of a new cast. */
export async function insertRow(tx: Transaction | Query, row: NewRow): Promise<void> {
  await tx(table).insert(row)
}

/**
 * Deletes rows by id and attempts: with amqp, the row of the next attempt may be inserted before the previous one is
 * deleted.
 */
export async function deleteRows(query: Query, rows: { id: string; attempts: number }[]): Promise<void> {
  for (const [attempts, same] of Map.groupBy(rows, (row) => row.attempts)) {
    const ids = same.map(({ id }) => id)
    await query(table).where({ attempts }).whereIn('id', ids).delete()
  }
}

/** Returns the row of a new cast. */
export function newRow(
  service: string,
  message: { topic: string; target: string; payload: unknown; context: MessageContext },
): NewRow {
  return {
    id: uuid(),
    service,
    topic: message.topic,
    target: message.target,
    payload: JSON.stringify(message.payload),
    context: JSON.stringify(message.context),
    attempts: 0,
    not_before: 0,
    owner: null,
    leased_until: 0,
    created_at: Date.now(),
  }
}

/** Inserts the row for another delivery after a failed one, unless it exists. */
export async function insertRetry(tx: Transaction, row: NewRow): Promise<void> {
  await insertIfAbsent(tx, table, { ...row })
}

/** Returns the rows of one topic and target that may be delivered now, oldest first. */
export async function waitingRows(
  query: Query,
  { service, topic, target, limit }: { service: string; topic: string; target: string; limit: number },
): Promise<OutboxRow[]> {
  return query<OutboxRow>(table)
    .where({ service, topic, target })
    .where('not_before', '<=', Date.now())
    .orderBy('seq')
    .limit(limit)
    .select('*') as Promise<OutboxRow[]>
}

/** Returns the topics and targets that have rows to deliver now. */
export async function waitingPairs(query: Query, service: string): Promise<{ topic: string; target: string }[]> {
  return query<OutboxRow>(table).where({ service }).where('not_before', '<=', Date.now()).distinct('topic', 'target')
}

/** Records a failed delivery; the next one is not before `notBefore`. */
export async function postponeRow(query: Query, id: string, attempts: number, notBefore: number): Promise<void> {
  await query(table).where({ id }).update({ attempts, not_before: notBefore })
}

/** Adds one attempt to rows that may have been delivered before a crash. */
export async function countAttempt(query: Query, ids: string[]): Promise<void> {
  await query(table).whereIn('id', ids).increment('attempts', 1)
}

/** Leases rows that no relay is publishing to `owner` until `leasedUntil`, and returns them, oldest first. */
export async function leaseRows(
  query: Query,
  { service, owner, leasedUntil, limit }: { service: string; owner: string; leasedUntil: number; limit: number },
): Promise<OutboxRow[]> {
  const now = Date.now()
  const free = (rows: Query) =>
    rows(table)
      .where({ service })
      .where('not_before', '<=', now)
      .where((either) => either.where('leased_until', '<=', now).orWhere({ owner }))
  const ids: string[] = await free(query).orderBy('seq').limit(limit).pluck('id')
  if (ids.length === 0) return []
  await free(query).whereIn('id', ids).update({ owner, leased_until: leasedUntil })
  return query(table).whereIn('id', ids).where({ owner, leased_until: leasedUntil }).orderBy('seq').select('*')
}

/** Returns the message that a row holds. */
export function messageOf(row: NewRow): Message<unknown> {
  return {
    id: row.id,
    payload: JSON.parse(row.payload),
    context: JSON.parse(row.context) as MessageContext,
    attempt: row.attempts + 1,
  }
}
