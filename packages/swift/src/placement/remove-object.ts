import { refuse } from '../model/response.ts'
import { type Cluster, placeObject, quorumOf } from './cluster.ts'
import { failureStatus, valuesOf } from './quorum.ts'
import type { ObjectName } from './replicated.ts'
import { writeListed } from './write-listed.ts'

/**
 * Writes tombstones. With `ifDeleteAt` removes only an object that expires at exactly that second, and returns 412 for
 * another. Throws 503 or 507 without a quorum.
 */
export async function removeObject(
  cluster: Cluster,
  name: ObjectName,
  timestamp: string,
  ifDeleteAt: number | null = null,
): Promise<204 | 404 | 409 | 412> {
  const place = placeObject(cluster, name.account, name.container, name.object)
  const path = `/${name.account}/${name.container}/${name.object}`
  const write = { name, place, nodes: place.primaries, handoffs: true }
  const { outcomes } = await writeListed(cluster, write, (node, listing) =>
    node.write('deleteObject', { hash: place.hash, name: path, timestamp, ifDeleteAt, listing }),
  )
  const replies = valuesOf(outcomes)
  if (replies.length < quorumOf(place.primaries.length)) throw refuse(failureStatus(outcomes))
  const some = (status: string) => replies.some((reply) => reply.status === status)
  return some('done') ? 204 : some('conflict') ? 412 : some('stale') ? 409 : 404
}
