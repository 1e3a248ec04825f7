import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../errors.ts'

/** GET /clusters and /clusters/detail: backends here belong to one host each, so there are none. */
export async function listClusters(): Promise<unknown> {
  return { clusters: [] }
}

/** GET /clusters/{name}, PUT /clusters/enable and disable. */
export async function refuseCluster(_context: Context, request: ApiRequest): Promise<never> {
  const name = request.params.name ?? (request.body as { name?: string } | undefined)?.name ?? ''
  throw errors.ItemNotFound({ reason: `Cluster ${name} could not be found.` })
}

/** POST /workers/cleanup: every service takes up its interrupted work by itself when it starts. */
export async function cleanUp(): Promise<unknown> {
  return { cleaning: [], unavailable: [] }
}
