import type { Route } from '@hearth/http'
import { listExtensions, showExtension } from './list.ts'

const policy = 'volume:list_extensions'

export const extensionRoutes: Route<unknown>[] = [
  { method: 'GET', path: '/extensions', policy, status: 200, operation: listExtensions },
  { method: 'GET', path: '/extensions/:alias', policy, status: 200, operation: showExtension },
]
