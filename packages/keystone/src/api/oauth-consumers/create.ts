import { type Context, hexId } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { extrasOf } from '../../model/extras.ts'
import { insertConsumer } from '../../model/oauth-consumers/store.ts'
import { type Body, baseOf } from '../links.ts'
import { viewConsumer } from './read.ts'
import { type ConsumerInput, known } from './schema.ts'

/** POST /OS-OAUTH1/consumers. */
export async function createConsumer(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { consumer: ConsumerInput }).consumer
  const extra = extrasOf(given, known)
  const consumer = { id: hexId(), description: given.description ?? null, secret: hexId(), extra }
  await commit(deps, (tx) => insertConsumer(tx, consumer))
  return { consumer: { ...viewConsumer(consumer, baseOf(request, deps.publicUrl)), secret: consumer.secret } }
}
