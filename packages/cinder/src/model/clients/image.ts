import type { Readable } from 'node:stream'
import type { ServiceSession } from '@hearth/driver'
import { type Dispatcher, request } from 'undici'
import { errors } from '../errors.ts'

/** An image of Glance v2. Sizes are bytes; properties not named here are custom. */
export interface Image {
  id: string
  name: string | null
  status: string
  checksum: string | null
  os_hash_value: string | null
  container_format: string | null
  disk_format: string | null
  min_disk: number
  min_ram: number
  size: number | null
  virtual_size: number | null
  visibility: string
  owner: string | null
  [property: string]: unknown
}

/** The calls that block storage makes to Glance. Each call acts with the given token. */
export interface ImageClient {
  /** Throws ImageNotFound (404). */
  get(token: string, id: string): Promise<Image>
  /**
   * Returns the URLs at which the image service's own stores keep the image's bytes; none if it does not show them. The
   * token must be a service's.
   */
  locations(token: string, id: string): Promise<string[]>
  /** Returns the visible images with that name. */
  listByName(token: string, name: string): Promise<Image[]>
  create(token: string, image: Record<string, unknown>): Promise<Image>
  upload(token: string, id: string, data: Readable, signal?: AbortSignal): Promise<void>
  download(token: string, id: string, signal?: AbortSignal): Promise<Readable>
  /** Deletes an image; succeeds if it is gone already. */
  delete(token: string, id: string): Promise<void>
}

interface Call {
  path: string
  method: Dispatcher.HttpMethod
  json?: unknown
  data?: Readable
  signal?: AbortSignal | undefined
}

type Response = Dispatcher.ResponseData

/** Timeout of all responses in milliseconds, except for image bytes, which have none. */
const responseMs = 60_000

type OwnSession = Pick<ServiceSession, 'token' | 'refused'>

/**
 * Returns a function that sends requests to the endpoint, which may be given with or without `/v2`. A request with a
 * token of `session` that is refused with 401 is repeated once with a new token, unless its data can be read only once.
 */
function openSender(
  endpoint: () => Promise<string>,
  session?: OwnSession,
): (token: string, call: Call) => Promise<Response> {
  const send = openSenderOnce(endpoint)
  return async (token, call) => {
    const response = await send(token, call)
    if (response.statusCode !== 401 || !session?.refused?.(token) || call.data) return response
    await response.body.dump()
    return send(await session.token(), call)
  }
}

function openSenderOnce(endpoint: () => Promise<string>): (token: string, call: Call) => Promise<Response> {
  return async (token, { path, method, json, data, signal }) => {
    const base = (await endpoint()).replace(/\/+(v2)?\/*$/, '')
    const headers: Record<string, string> = { 'x-auth-token': token }
    if (json !== undefined) headers['content-type'] = 'application/json'
    if (data) headers['content-type'] = 'application/octet-stream'
    const timeout = path.endsWith('/file') ? 0 : responseMs
    const body = data ?? (json === undefined ? null : JSON.stringify(json))
    const options = { method, headers, body, headersTimeout: timeout, bodyTimeout: timeout, ...(signal && { signal }) }
    return request(`${base}/v2${path}`, options).catch((cause: Error) => {
      throw errors.ImageUnavailable({ reason: cause.message }, cause)
    })
  }
}

/**
 * Returns a client of Glance. `endpoint` returns its base URL; `session` is the service user's login, for its tokens.
 */
export function openImageClient(endpoint: () => Promise<string>, session?: OwnSession): ImageClient {
  const send = openSender(endpoint, session)
  const pathOf = (id: string): string => `/images/${encodeURIComponent(id)}`
  const get = async (token: string, id: string): Promise<Image> =>
    (await read(await send(token, { method: 'GET', path: pathOf(id) }), id)) as Image
  const locations = async (token: string, id: string): Promise<string[]> => {
    const response = await send(token, { method: 'GET', path: `${pathOf(id)}/locations` })
    if (response.statusCode === 404 || response.statusCode === 403) {
      await response.body.dump()
      return []
    }
    return ownLocations(id, (await read(response, id)) as Location[])
  }
  return {
    get: shareRequests(get),
    locations: shareRequests(locations),
    async listByName(token, name) {
      const path = `/images?${new URLSearchParams({ name })}`
      return ((await read(await send(token, { method: 'GET', path }), name)) as { images: Image[] }).images
    },
    async create(token, image) {
      const response = await send(token, { method: 'POST', path: '/images', json: image })
      return (await read(response, String(image.name))) as Image
    },
    async upload(token, id, data, signal) {
      await read(await send(token, { method: 'PUT', path: `${pathOf(id)}/file`, data, signal }), id)
    },
    async download(token, id, signal) {
      const response = await send(token, { method: 'GET', path: `${pathOf(id)}/file`, signal })
      if (response.statusCode !== 200) throw await errorOf(response, id)
      return response.body
    },
    async delete(token, id) {
      const response = await send(token, { method: 'DELETE', path: pathOf(id) })
      if (response.statusCode === 404) await response.body.dump()
      else await read(response, id)
    },
  }
}

/** Lets concurrent calls with the same token and id share one request: a boot storm creates volumes of one image. */
function shareRequests<T>(send: (token: string, id: string) => Promise<T>): typeof send {
  const running = new Map<string, Promise<T>>()
  return (token, id) => {
    const key = `${id} ${token}`
    let response = running.get(key)
    if (!response) {
      response = send(token, id).finally(() => running.delete(key))
      running.set(key, response)
    }
    return response
  }
}

interface Location {
  url: string
  metadata?: { store?: unknown }
}

/**
 * Keeps only locations in the image service's own stores, which name the data by the image's id. Locations that users
 * registered could point to other users' data (OSSN-0065), so those without a store or without the id are left out.
 */
function ownLocations(id: string, locations: Location[]): string[] {
  const isOwn = ({ url, metadata }: Location): boolean =>
    typeof metadata?.store === 'string' && url.split(/[/?#]/).includes(id)
  return locations.filter(isOwn).map(({ url }) => url)
}

/** Returns the JSON of a successful response, null if it has no body. Throws the error of another response. */
async function read(response: Response, imageId: string): Promise<unknown> {
  if (response.statusCode >= 300) throw await errorOf(response, imageId)
  const text = await response.body.text()
  return text === '' ? null : JSON.parse(text)
}

async function errorOf({ statusCode, body }: Response, imageId: string) {
  const reason = (await body.text()).slice(0, 300)
  if (statusCode === 404) return errors.ImageNotFound({ image_id: imageId })
  if (statusCode === 403) return errors.Forbidden({ reason: `Not authorized for image ${imageId}.` })
  if (statusCode === 409) return errors.Conflict({ reason })
  if (statusCode === 413) return errors.ImageQuotaExceeded({ reason })
  if (statusCode === 400) return errors.InvalidInput({ reason })
  return errors.ImageUnavailable({ reason: `${statusCode} ${reason}` })
}
