import type { Readable } from 'node:stream'
import { request } from 'undici'
import { glanceErrors } from '../model/errors.ts'

/** An image of another region's image service, as glance-download asks for it. */
export interface RemoteImage {
  imageId: string
  region: string
  interface: string
  /** Token of the requesting user, whose rights there apply. */
  token: string
}

interface RemoteRecord {
  diskFormat: string | null
  containerFormat: string | null
  properties: Record<string, string>
}

/** Beginnings of the names of properties that are copied; upstream's `extra_properties`. */
const copied = ['hw_', 'trait:', 'os_distro', 'os_secure_boot', 'os_type']

interface CatalogEntry {
  type: string
  endpoints: { interface: string; region: string; region_id?: string; url: string }[]
}

const failed = (reason: string, cause?: unknown) => glanceErrors.BadRequest({ reason }, cause)

/**
 * Finds the other image service in the caller's catalog, which the operator keeps, and opens the image there. Throws
 * BadRequest when there is no such endpoint or image, or it is not active.
 */
export async function openRemoteImage(
  remote: RemoteImage,
  identityUrl: string,
  signal: AbortSignal,
): Promise<{ record: RemoteRecord; data: () => Promise<Readable> }> {
  const base = await findEndpoint(remote, identityUrl, signal)
  const path = `${base}/v2/images/${remote.imageId}`
  const image = (await getJson(path, remote.token, signal)) as Record<string, unknown>
  if (image.status !== 'active') throw failed(`Image ${remote.imageId} of region ${remote.region} is not active`)
  return {
    record: {
      diskFormat: image.disk_format as string | null,
      containerFormat: image.container_format as string | null,
      properties: Object.fromEntries(
        Object.entries(image).filter(
          (entry): entry is [string, string] =>
            typeof entry[1] === 'string' && copied.some((prefix) => entry[0].startsWith(prefix)),
        ),
      ),
    },
    data: async () => (await get(`${path}/file`, remote.token, signal)).body,
  }
}

async function findEndpoint(remote: RemoteImage, identityUrl: string, signal: AbortSignal): Promise<string> {
  const answer = (await getJson(`${identityUrl}/v3/auth/catalog`, remote.token, signal)) as { catalog: CatalogEntry[] }
  const endpoints = answer.catalog.filter((entry) => entry.type === 'image').flatMap((entry) => entry.endpoints)
  const found = endpoints.find(
    (each) => each.interface === remote.interface && [each.region, each.region_id].includes(remote.region),
  )
  if (!found) throw failed(`No ${remote.interface} image service in region ${remote.region}`)
  return found.url.replace(/\/+$/, '').replace(/\/v2(\.\d+)?$/, '')
}

async function getJson(url: string, token: string, signal: AbortSignal): Promise<unknown> {
  return (await get(url, token, signal)).body.json()
}

async function get(url: string, token: string, signal: AbortSignal) {
  const sent = request(url, { headers: { 'x-auth-token': token, accept: 'application/json' }, signal })
  const response = await sent.catch((error: unknown) => {
    throw failed(`${url} does not answer`, error)
  })
  if (response.statusCode === 200) return response
  await response.body.dump()
  throw failed(`${url} answered ${response.statusCode}`)
}
