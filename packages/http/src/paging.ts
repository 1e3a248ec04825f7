import { commonErrors } from '@hearth/core'
import type { ApiRequest } from './route.ts'

type Query = ApiRequest['query']

/** The first value of a query key. */
export function queryValue(query: Query, key: string): string | undefined {
  const value = query[key]
  return Array.isArray(value) ? value[0] : value
}

/**
 * `limit` of a listing: a whole number of at least 0, capped at `max`, which is also the default. Throws InvalidInput (400).
 */
export function readLimit(query: Query, max: number, fallback = max): number {
  const text = queryValue(query, 'limit')
  if (text === undefined) return fallback
  if (!/^\d+$/.test(text))
    throw commonErrors.InvalidInput({ reason: `limit must be a whole number of at least 0, not '${text}'` })
  return Math.min(Number(text), max)
}

/** URL of the next page: the request's own, its marker replaced by the last id of this page. */
export function nextPageUrl(request: Pick<ApiRequest, 'baseUrl' | 'url'>, lastId: string): string {
  const [path = '', search = ''] = request.url.split('?', 2)
  const params = new URLSearchParams(search)
  params.delete('marker')
  params.append('marker', lastId)
  return `${request.baseUrl}${path}?${params}`
}
