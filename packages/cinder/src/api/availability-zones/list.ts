import type { Context } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { readZones } from '../../model/availability-zones/store.ts'

/** GET /os-availability-zone. */
export async function listZones(_context: Context, _request: ApiRequest, deps: { database: Database }) {
  const zones = await readZones(deps.database.query)
  return { availabilityZoneInfo: [...zones].map(([zoneName, available]) => ({ zoneName, zoneState: { available } })) }
}
