import { uuid } from '@hearth/core'
import { insertIfAbsent, type Query, type Transaction } from '@hearth/database'
import type { Message, MessageContext } from './topic.ts'

const table = 'bus_outbox'

/** A cast which has not been handled (memory bus) or not been handed to the broker (amqp) yet. */
export interface OutboxRow {
  /** Order of insertion. */
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
  /** Deliveries that failed, or may have. */
  attempts: number
  /** Milliseconds since the epoch: no delivery before. */
  not_before: number
  /** The relay that is publishing the row until `leased_until`. */
  owner: string | null
  leased_until: number
  created_at: number
}

export type NewRow = Omit<OutboxRow, 'seq'>

export async function insertRow(tx: Transaction | Query, row: NewRow): Promise<void> {
  await tx(table).insert(row)
}

/**
 * Deletes rows by id and attempts: with amqp, a row for the next attempt may come before the row of the last is deleted.
 */
export async function deleteRows(query: Query, rows: { id: string; attempts: number }[]): Promise<void> {
  for (const [attempts, same] of Map.groupBy(rows, (row) => row.attempts)) {
    const ids = same.map(({ id }) => id)
    await query(table).where({ attempts }).whereIn('id', ids).delete()
  }
}

/** The row of a new cast. */
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

/** Inserts the row of a delivery that failed, unless it is there already. */
export async function insertRetry(tx: Transaction, row: NewRow): Promise<void> {
  await insertIfAbsent(tx, table, { ...row })
}

/** Rows of one topic and target that may be delivered now, oldest first. */
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

/** The topics and targets for which something waits. */
export async function waitingPairs(query: Query, service: string): Promise<{ topic: string; target: string }[]> {
  return query<OutboxRow>(table).where({ service }).where('not_before', '<=', Date.now()).distinct('topic', 'target')
}

/** Notes that a delivery failed: not again before `notBefore`. */
export async function postponeRow(query: Query, id: string, attempts: number, notBefore: number): Promise<void> {
  await query(table).where({ id }).update({ attempts, not_before: notBefore })
}

/** Notes that rows may have been delivered before a crash. */
export async function countAttempt(query: Query, ids: string[]): Promise<void> {
  await query(table).whereIn('id', ids).increment('attempts', 1)
}

/** Takes rows that nobody is publishing for `owner`, until `leasedUntil`; oldest first. */
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

export function messageOf(row: NewRow): Message<unknown> {
  return {
    id: row.id,
    payload: JSON.parse(row.payload),
    context: JSON.parse(row.context) as MessageContext,
    attempt: row.attempts + 1,
  }
}
