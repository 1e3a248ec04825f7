import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'

/** GET /clusters and /clusters/detail: always empty, because each backend belongs to one host. */
export async function listClusters(): Promise<unknown> {
  return { clusters: [] }
}

/**
 * GET /clusters/{name}, PUT /clusters/enable and disable. Throws ItemNotFound (404) always, as there are no clusters.
 */
export async function refuseCluster(_context: Context, request: ApiRequest): Promise<never> {
  const name = request.params.name ?? (request.body as { name?: string } | undefined)?.name ?? ''
  throw errors.ItemNotFound({ reason: `Cluster ${name} could not be found.` })
}

/** POST /workers/cleanup: does nothing, because each service recovers interrupted work when it starts. */
export async function cleanUp(): Promise<unknown> {
  return { cleaning: [], unavailable: [] }
}
