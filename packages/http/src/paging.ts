import { own } from '@hearth/core'
import type { ApiRequest } from './route.ts'

type Query = ApiRequest['query']

/** The first value of a query key. */
export function queryValue(query: Query, key: string): string | undefined {
  const value = own(query, key)
  return Array.isArray(value) ? value[0] : value
}

/** URL of the next page: the request's own, its marker replaced by the last id of this page. */
export function nextPageUrl(request: Pick<ApiRequest, 'baseUrl' | 'url'>, lastId: string): string {
  const [path = '', search = ''] = request.url.split('?', 2)
  const params = new URLSearchParams(search)
  params.delete('marker')
  params.append('marker', lastId)
  return `${request.baseUrl}${path}?${params}`
}
