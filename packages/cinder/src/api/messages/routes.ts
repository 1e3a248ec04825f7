import type { Database } from '@hearth/database'
import type { Route } from '@hearth/http'
import { deleteMessage, listMessages, showMessage } from './manage.ts'

const since = '3.3'

export const messageRoutes: Route<{ database: Database }>[] = [
  { method: 'GET', path: '/messages', since, policy: 'message:get_all', status: 200, operation: listMessages },
  { method: 'GET', path: '/messages/:id', since, policy: 'message:get', status: 200, operation: showMessage },
  { method: 'DELETE', path: '/messages/:id', since, policy: 'message:delete', status: 204, operation: deleteMessage },
]
