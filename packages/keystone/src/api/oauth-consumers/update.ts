import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { invalid } from '../../model/errors.ts'
import { mergeExtras } from '../../model/extras.ts'
import { saveConsumer } from '../../model/oauth-consumers/store.ts'
import { type Body, baseOf } from '../links.ts'
import { getConsumer, viewConsumer } from './read.ts'
import { type ConsumerInput, known } from './schema.ts'

/** PATCH /OS-OAUTH1/consumers/{consumer_id}. Throws InvalidRequest (400) for a secret, which cannot be changed. */
export async function updateConsumer(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { consumer: ConsumerInput }).consumer
  if (given.secret !== undefined) throw invalid('The secret of a consumer cannot be changed.')
  const consumer = await commit(deps, async (tx) => {
    const old = await getConsumer(tx, request.params.consumer_id!)
    const description = given.description === undefined ? old.description : given.description
    const changed = { ...old, description, extra: mergeExtras(old.extra, given, known) }
    await saveConsumer(tx, changed)
    return changed
  })
  return { consumer: viewConsumer(consumer, baseOf(request, deps.publicUrl)) }
}
