import { Readable } from 'node:stream'
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
  /** Visible images of that name. */
  named(token: string, name: string): Promise<Image[]>
  create(token: string, image: Record<string, unknown>): Promise<Image>
  upload(token: string, id: string, data: Readable, signal?: AbortSignal): Promise<void>
  download(token: string, id: string, signal?: AbortSignal): Promise<Readable>
  /** Deleting what is gone succeeds. */
  delete(token: string, id: string): Promise<void>
}

/** `endpoint` answers Glance's base URL, with or without `/v2`. */
export function openImageClient(endpoint: () => Promise<string>): ImageClient {
  const ask = async (token: string, method: string, path: string, options: RequestInit = {}): Promise<Response> => {
    const base = (await endpoint()).replace(/\/+(v2)?\/*$/, '')
    const headers = { 'x-auth-token': token, ...(options.headers as Record<string, string>) }
    try {
      return await fetch(`${base}/v2${path}`, { ...options, method, headers })
    } catch (cause) {
      throw errors.ImageUnavailable({ reason: (cause as Error).message }, cause)
    }
  }
  return {
    get: async (token, id) => imageOf(await expect(await ask(token, 'GET', `/images/${encodeURIComponent(id)}`), id)),
    async named(token, name) {
      const query = new URLSearchParams({ name })
      const { images } = (await expect(await ask(token, 'GET', `/images?${query}`), name)) as { images: Image[] }
      return images.map(imageOf)
    },
    async create(token, image) {
      const body = JSON.stringify(image)
      const headers = { 'content-type': 'application/json' }
      return imageOf(await expect(await ask(token, 'POST', '/images', { headers, body }), String(image.name)))
    },
    async upload(token, id, data, signal) {
      const headers = { 'content-type': 'application/octet-stream' }
      const body = Readable.toWeb(data) as unknown as RequestInit['body']
      const options = { headers, body, signal, duplex: 'half' } as RequestInit
      await expect(await ask(token, 'PUT', `/images/${id}/file`, options), id)
    },
    async download(token, id, signal) {
      const response = await ask(token, 'GET', `/images/${id}/file`, { signal })
      if (!response.ok || !response.body) await expect(response, id)
      return Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0])
    },
    async delete(token, id) {
      const response = await ask(token, 'DELETE', `/images/${id}`)
      if (response.status !== 404) await expect(response, id)
    },
  }
}

async function expect(response: Response, imageId: string): Promise<unknown> {
  if (response.ok) return response.status === 204 ? null : response.json()
  const text = (await response.text()).slice(0, 300)
  if (response.status === 404) throw errors.ImageNotFound({ image_id: imageId })
  if (response.status === 403) throw errors.Forbidden({ reason: `Not authorized for image ${imageId}.` })
  if (response.status === 409) throw errors.Conflict({ reason: text })
  if (response.status === 413) throw errors.ImageQuotaExceeded({ reason: text })
  if (response.status === 400) throw errors.InvalidInput({ reason: text })
  throw errors.ImageUnavailable({ reason: `${response.status} ${text}` })
}

function imageOf(value: unknown): Image {
  return value as Image
}
