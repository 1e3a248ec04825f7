import type { Route } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { acceptTransfer } from './accept.ts'
import { createTransfer } from './create.ts'
import { deleteTransfer, listTransfers, showTransfer } from './manage.ts'
import * as schema from './schema.ts'

/** The same rows under the old path and, since 3.55, under the new one. */
export const transferRoutes: Route<ApiDeps>[] = [
  ...rowsAt('/os-volume-transfer', {}),
  ...rowsAt('/volume-transfers', { since: '3.55' }),
]

function rowsAt(path: string, from: { since?: string }): Route<ApiDeps>[] {
  const all = { ...from, policy: 'volume:get_all_transfers', status: 200, operation: listTransfers }
  return [
    { ...all, method: 'GET', path, reply: schema.listReply },
    { ...all, method: 'GET', path: `${path}/detail`, reply: schema.listDetailReply },
    {
      ...from,
      method: 'GET',
      path: `${path}/:id`,
      policy: 'volume:get_transfer',
      reply: schema.showReply,
      status: 200,
      operation: showTransfer,
    },
    {
      ...from,
      method: 'POST',
      path,
      policy: 'volume:create_transfer',
      body: schema.createBody,
      reply: schema.createReply,
      status: 202,
      operation: createTransfer,
    },
    {
      ...from,
      method: 'POST',
      path: `${path}/:id/accept`,
      policy: 'volume:accept_transfer',
      body: schema.acceptBody,
      reply: schema.summaryReply,
      status: 202,
      operation: acceptTransfer,
    },
    {
      ...from,
      method: 'DELETE',
      path: `${path}/:id`,
      policy: 'volume:delete_transfer',
      status: 202,
      operation: deleteTransfer,
    },
  ]
}
