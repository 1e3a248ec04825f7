import type { Query } from '@hearth/database'
import { invalid } from '../../model/errors.ts'
import { findRegion, insertRegion } from '../../model/regions/store.ts'
import type { EndpointInput } from './schema.ts'

/**
 * Returns the id of the region of an endpoint; null for none, undefined when the body does not name one. Creates a
 * missing `region`. Throws InvalidRequest (400) for an unknown `region_id`.
 */
export async function chooseRegion(query: Query, given: EndpointInput): Promise<string | null | undefined> {
  if (given.region_id) {
    if (!(await findRegion(query, given.region_id))) throw invalid(`Region ${given.region_id} does not exist.`)
    return given.region_id
  }
  if (given.region) {
    if (!(await findRegion(query, given.region)))
      await insertRegion(query, { id: given.region, description: '', parentRegionId: null, extra: {} })
    return given.region
  }
  return given.region_id === null || given.region === null ? null : undefined
}
