import type { Context } from '@hearth/core'
import { type ApiRequest, Reply, type Route } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { versionsDocument } from './versions.ts'

const answer = (status: number) => async (_context: Context, request: ApiRequest, deps: Pick<ApiDeps, 'settings'>) =>
  new Reply(status, versionsDocument(request.baseUrl, deps.settings.imageCache))

/** Rows outside of /v2, which need no token. */
export const versionRoutes: Route<ApiDeps>[] = [
  { method: 'GET', path: '/', policy: null, status: 300, operation: answer(300) },
  { method: 'GET', path: '/versions', policy: null, status: 200, operation: answer(200) },
  { method: 'GET', path: '/versions/', policy: null, status: 200, operation: answer(200) },
]
