import { hexId } from '@hearth/core'
import type { Transaction } from '@hearth/database'
import { insertEndpoint, listEndpoints, saveEndpoint } from '../endpoints/store.ts'
import { findRegion, insertRegion } from '../regions/store.ts'
import { insertService, listServices } from '../services/store.ts'

/** One address for all interfaces, or one for each. */
type EndpointUrls = string | { public: string; internal: string; admin: string }

/** Complete endpoint URLs, with their templates. */
export interface CatalogUrls {
  /** `http://host:5000/v3` */
  identity: EndpointUrls
  /** `http://host:9292` */
  image: EndpointUrls
  /** `http://host:8080/v1/AUTH_%(project_id)s` */
  object: EndpointUrls
  /** `http://host:8776/v3`, or `…/v3/%(project_id)s` for clients that request versions before 3.67. */
  volume: EndpointUrls
}

const services: [key: keyof CatalogUrls, type: string, name: string, description: string][] = [
  ['identity', 'identity', 'keystone', 'Identity'],
  ['image', 'image', 'glance', 'Images'],
  ['object', 'object-store', 'swift', 'Object storage'],
  ['volume', 'block-storage', 'cinder', 'Block storage'],
  ['volume', 'volumev3', 'cinderv3', 'Block storage, by the type older clients look for'],
]

/** Writes the services and endpoints of Hearth into the catalog and updates addresses that have changed. */
export async function writeCatalog(tx: Transaction, urls: CatalogUrls, region: string): Promise<void> {
  if (!(await findRegion(tx, region)))
    await insertRegion(tx, { id: region, description: '', parentRegionId: null, extra: {} })
  for (const [key, type, name, description] of services) {
    const given = urls[key]
    const byInterface = typeof given === 'string' ? { public: given, internal: given, admin: given } : given
    const serviceId = await ensureService(tx, type, { name, description })
    await writeEndpoints(tx, serviceId, region, byInterface)
  }
}

async function ensureService(tx: Transaction, type: string, extra: Record<string, string>): Promise<string> {
  const [existing] = await listServices(tx, { type })
  if (existing) return existing.id
  const id = hexId()
  await insertService(tx, { id, type, enabled: true, extra })
  return id
}

async function writeEndpoints(
  tx: Transaction,
  serviceId: string,
  regionId: string,
  urls: Record<string, string>,
): Promise<void> {
  const existing = await listEndpoints(tx, { service_id: serviceId, region_id: regionId })
  for (const [name, url] of Object.entries(urls)) {
    const endpoint = existing.find((one) => one.interface === name)
    if (endpoint?.url === url) continue
    if (endpoint) await saveEndpoint(tx, { ...endpoint, url })
    else await insertEndpoint(tx, { id: hexId(), serviceId, interface: name, regionId, url, enabled: true, extra: {} })
  }
}
