import { identityRoot } from '@hearth/auth'
import type { ApiRequest } from '@hearth/http'
import { readPage } from './filters.ts'

export type Body = Record<string, unknown>

/** Returns the base of links, `…/v3`: the configured public address, else the address that the caller used. */
export function baseOf(request: ApiRequest, publicUrl: string | null): string {
  const root = publicUrl ?? request.baseUrl + (request.url.startsWith('/identity/') ? '/identity' : '')
  return `${identityRoot(root)}/v3`
}

/** Returns the item with its link. `path` is the path of the collection, e.g. `users`. */
export function member(base: string, path: string, item: Body): Body {
  return { ...item, links: { self: `${base}/${path}/${item.id}` } }
}

interface CollectionOptions {
  /** Key of the list in the response. */
  name: string
  base: string
  items: Body[]
}

/** Returns a list with its links; a full page has a link to the next one. */
export function collection(request: ApiRequest, options: CollectionOptions): Body {
  const { name, base, items } = options
  const path = request.url.replace(/^.*?\/v3\//, '').replace(/\/(?=\?|$)/, '')
  const { limit } = readPage(request.query)
  return { [name]: items, links: { next: nextPage(base, path, items, limit), self: `${base}/${path}`, previous: null } }
}

function nextPage(base: string, path: string, items: Body[], limit: number | undefined): string | null {
  if (limit === undefined || items.length < limit) return null
  const url = new URL(`${base}/${path}`)
  url.searchParams.set('marker', String(items.at(-1)!.id))
  return url.href
}
