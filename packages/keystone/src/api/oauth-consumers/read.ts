import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { notFound } from '../../model/errors.ts'
import { type Consumer, findConsumer, listConsumers as list } from '../../model/oauth-consumers/store.ts'
import { type Body, baseOf, collection, member } from '../links.ts'

/** Returns the view of a consumer without its secret, which only the response to its creation shows. */
export function viewConsumer({ id, description, extra }: Consumer, base: string): Body {
  return member(base, 'OS-OAUTH1/consumers', { ...extra, id, description })
}

/** Returns the consumer with this id. Throws ResourceNotFound (404). */
export async function getConsumer(query: Query, id: string): Promise<Consumer> {
  const consumer = await findConsumer(query, id)
  if (!consumer) throw notFound('consumer', id)
  return consumer
}

/** GET /OS-OAUTH1/consumers. */
export async function listConsumers(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const items = (await list(deps.database.query)).map((consumer) => viewConsumer(consumer, base))
  return collection(request, { name: 'consumers', base, items })
}

/** GET /OS-OAUTH1/consumers/{consumer_id}. */
export async function showConsumer(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const consumer = await getConsumer(deps.database.query, request.params.consumer_id!)
  return { consumer: viewConsumer(consumer, baseOf(request, deps.publicUrl)) }
}
