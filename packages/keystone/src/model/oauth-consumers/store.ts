import type { Query } from '@hearth/database'
import { type Attributes, type Row, readJson } from '../store.ts'

export interface Consumer {
  id: string
  description: string | null
  secret: string
  extra: Attributes
}

/** Returns the consumer with this id, or null. */
export async function findConsumer(query: Query, id: string): Promise<Consumer | null> {
  const row: Row | undefined = await query('oauth_consumers').where({ id }).first()
  return row ? fromRow(row) : null
}

/** Returns all consumers, ordered by id. */
export async function listConsumers(query: Query): Promise<Consumer[]> {
  return (await query('oauth_consumers').orderBy('id')).map(fromRow)
}

/** Inserts a consumer. */
export async function insertConsumer(query: Query, consumer: Consumer): Promise<void> {
  await query('oauth_consumers').insert({ ...consumer, extra: JSON.stringify(consumer.extra) })
}

/** Writes all columns of a consumer. */
export async function saveConsumer(query: Query, consumer: Consumer): Promise<void> {
  const row = { ...consumer, extra: JSON.stringify(consumer.extra) }
  await query('oauth_consumers').where({ id: consumer.id }).update(row)
}

/** Removes a consumer. */
export async function removeConsumer(query: Query, id: string): Promise<void> {
  await query('oauth_consumers').where({ id }).delete()
}

function fromRow(row: Row): Consumer {
  const description = row.description === null ? null : String(row.description)
  return { id: String(row.id), description, secret: String(row.secret), extra: readJson(row.extra) }
}
