import type { Readable } from 'node:stream'
import type { ServiceSession } from '@hearth/driver'
import { type Dispatcher, request } from 'undici'
import { errors } from '../errors.ts'

/** An image of Glance v2. Sizes are bytes; properties beyond the fixed ones are custom. */
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

/** What block storage asks Glance; every call acts with the token it is given. */
export interface ImageClient {
  /** Throws ImageNotFound (404). */
  get(token: string, id: string): Promise<Image>
  /**
   * URLs of where the image service's own stores keep the image's bytes; none when it does not tell. The token must be
   * a service's.
   */
  locations(token: string, id: string): Promise<string[]>
  /** Visible images of that name. */
  listByName(token: string, name: string): Promise<Image[]>
  create(token: string, image: Record<string, unknown>): Promise<Image>
  upload(token: string, id: string, data: Readable, signal?: AbortSignal): Promise<void>
  download(token: string, id: string, signal?: AbortSignal): Promise<Readable>
  /** Deleting what is gone succeeds. */
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

/** Bytes may take as long as they take; other answers come within this many milliseconds. */
const responseMs = 60_000

type OwnSession = Pick<ServiceSession, 'token' | 'refused'>

/**
 * Speaks to the endpoint, which may be given with or without `/v2`. A call made with the token of `session` that is
 * refused with 401 is made once more with a new one, unless its data can be read only once.
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

/** `endpoint` returns Glance's base URL; `session` is the service user's, whose token some calls are made with. */
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
 * Stores name what they keep by the image's id. What users registered themselves could lead to the bytes of others
 * (OSSN-0065), so a location of no store, or that names something else, is none.
 */
function ownLocations(id: string, locations: Location[]): string[] {
  const isOwn = ({ url, metadata }: Location): boolean =>
    typeof metadata?.store === 'string' && url.split(/[/?#]/).includes(id)
  return locations.filter(isOwn).map(({ url }) => url)
}

/** The JSON of a success, null without any. Throws what the image service says is wrong. */
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
