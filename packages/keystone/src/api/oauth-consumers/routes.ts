import type { IdentityRoute } from '../guard.ts'
import { createConsumer } from './create.ts'
import { deleteConsumer } from './delete.ts'
import { listConsumers, showConsumer } from './read.ts'
import * as schema from './schema.ts'
import { updateConsumer } from './update.ts'

const all = '/OS-OAUTH1/consumers'
const one = `${all}/:consumer_id`

export const routes: IdentityRoute[] = [
  { method: ['GET', 'HEAD'], path: all, policy: 'identity:list_consumers', status: 200, operation: listConsumers },
  {
    method: 'POST',
    path: all,
    policy: 'identity:create_consumer',
    body: schema.createConsumer,
    status: 201,
    operation: createConsumer,
  },
  { method: ['GET', 'HEAD'], path: one, policy: 'identity:get_consumer', status: 200, operation: showConsumer },
  {
    method: 'PATCH',
    path: one,
    policy: 'identity:update_consumer',
    body: schema.updateConsumer,
    status: 200,
    operation: updateConsumer,
  },
  { method: 'DELETE', path: one, policy: 'identity:delete_consumer', status: 204, operation: deleteConsumer },
]
