import type { Query } from '@hearth/database'
import { orNull, type Row, readJson } from '../store.ts'

/** An endpoint with its service; `endpoint` is null for a service without endpoints. */
interface CatalogRow {
  serviceId: string
  serviceType: string
  serviceName: string
  endpoint: { id: string; interface: string; regionId: string | null; url: string } | null
}

/**
 * Returns the enabled services with their enabled endpoints, one row for each endpoint. A service without endpoints has
 * one row.
 */
export async function readCatalog(query: Query): Promise<CatalogRow[]> {
  const rows: Row[] = await query('catalog_services as s')
    .leftJoin('catalog_endpoints as e', (on) =>
      on.on('e.service_id', 's.id').andOn('e.enabled', query.raw('?', [true])),
    )
    .where('s.enabled', true)
    .select('s.id as service_id', 's.type', 's.extra', 'e.id', 'e.interface', 'e.region_id', 'e.url')
    .orderBy(['s.type', 's.id', 'e.region_id', 'e.interface', 'e.id'])
  return rows.map((row) => ({
    serviceId: String(row.service_id),
    serviceType: String(row.type),
    serviceName: String(readJson(row.extra).name ?? ''),
    endpoint: row.id
      ? {
          id: String(row.id),
          interface: String(row.interface),
          regionId: orNull(row.region_id),
          url: String(row.url),
        }
      : null,
  }))
}
