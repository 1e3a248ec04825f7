import type { ApiRequest } from '@hearth/http'

export interface Link {
  rel: string
  href: string
}

/** Returns the self and bookmark links of an item; the bookmark has no API version in its path. */
export function itemLinks(request: ApiRequest, collection: string, id: string): Link[] {
  const project = request.params.projectId ? `/${request.params.projectId}` : ''
  return [
    { rel: 'self', href: `${request.baseUrl}/v3${project}/${collection}/${id}` },
    { rel: 'bookmark', href: `${request.baseUrl}${project}/${collection}/${id}` },
  ]
}
