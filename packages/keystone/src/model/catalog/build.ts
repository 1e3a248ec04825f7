import { type Identity, own } from '@hearth/core'
import type { Query } from '@hearth/database'
import { readCatalog } from './store.ts'

interface CatalogEndpoint {
  id: string
  interface: string
  region: string | null
  region_id: string | null
  url: string
}

/** A service in the catalog of a token. */
interface CatalogEntry {
  id: string
  type: string
  name: string
  endpoints: CatalogEndpoint[]
}

/** Returns the catalog for a token. Leaves out endpoints whose URL needs a project that the token does not have. */
export async function buildCatalog(
  query: Query,
  identity: Pick<Identity, 'userId' | 'projectId'>,
): Promise<CatalogEntry[]> {
  const entries = new Map<string, CatalogEntry>()
  for (const { serviceId, serviceType, serviceName, endpoint } of await readCatalog(query)) {
    let entry = entries.get(serviceId)
    if (!entry) {
      entry = { id: serviceId, type: serviceType, name: serviceName, endpoints: [] }
      entries.set(serviceId, entry)
    }
    const url = endpoint && fillUrl(endpoint.url, identity)
    if (!endpoint || url === null) continue
    const { id, regionId } = endpoint
    entry.endpoints.push({ id, interface: endpoint.interface, region: regionId, region_id: regionId, url })
  }
  return [...entries.values()]
}

const template = /[$%]\((\w+)\)s/g

/**
 * Fills the templates of a URL, such as `$(project_id)s` or `%(tenant_id)s`. Returns null when one is unknown or has no
 * value.
 */
export function fillUrl(url: string, identity: Pick<Identity, 'userId' | 'projectId'>): string | null {
  const values: Record<string, string | null> = {
    project_id: identity.projectId,
    tenant_id: identity.projectId,
    user_id: identity.userId,
  }
  let filled = true
  const text = url.replace(template, (_whole, name: string) => {
    const value = own(values, name) ?? null
    if (value === null) filled = false
    return value ?? ''
  })
  return filled && !/[$%]\(/.test(text) ? text : null
}
