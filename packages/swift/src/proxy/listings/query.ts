import { own } from '@hearth/core'
import { refuse } from '../../model/response.ts'
import type { ListingQuery } from '../../storage/records/operations.ts'

export type ListingFormat = 'plain' | 'json' | 'xml'

/** Reads the paging parameters. Throws a 412 when more lines are asked for than `most`. */
export function listingQuery(query: Record<string, string>, most: number): ListingQuery {
  const asked = query.limit !== undefined && /^\d+$/.test(query.limit) ? Number(query.limit) : most
  if (asked > most) throw refuse(412, `Maximum limit is ${most}`)
  return {
    limit: asked,
    marker: query.marker ?? '',
    endMarker: query.end_marker ?? '',
    prefix: query.prefix ?? '',
    delimiter: query.delimiter ?? '',
    path: query.path ?? null,
    reverse: ['true', '1', 'yes', 'on', 't', 'y'].includes((query.reverse ?? '').toLowerCase()),
  }
}

const byType: Record<string, ListingFormat> = {
  'text/plain': 'plain',
  'application/json': 'json',
  'application/xml': 'xml',
  'text/xml': 'xml',
}

interface Negotiated {
  format: ListingFormat
  contentType: string
  /** True when the Accept header decided, which caches must know. */
  vary: boolean
}

/** The format parameter decides, else the Accept header. Throws a 406 when nothing acceptable is left. */
export function negotiate(query: Record<string, string>, accept: string | undefined): Negotiated {
  if (query.format !== undefined) {
    const format = own({ json: 'json', xml: 'xml' } as const, query.format.toLowerCase()) ?? 'plain'
    const type = { json: 'application/json', xml: 'application/xml', plain: 'text/plain' }[format]
    return { format, contentType: `${type}; charset=utf-8`, vary: false }
  }
  const type = bestType(accept ?? '')
  if (!type) throw refuse(406)
  return { format: own(byType, type)!, contentType: `${type}; charset=utf-8`, vary: true }
}

/** Picks from an Accept header by splitting only: no pattern that a long header could make slow. */
function bestType(accept: string): string | undefined {
  if (accept.trim() === '') return 'text/plain'
  const wishes = accept.split(',').map((wish) => {
    const [type = '', ...parameters] = wish.split(';').map((part) => part.trim().toLowerCase())
    const quality = parameters.find((parameter) => parameter.startsWith('q='))
    return { type, quality: quality ? Number(quality.slice(2)) || 0 : 1 }
  })
  wishes.sort((a, b) => b.quality - a.quality)
  for (const { type, quality } of wishes) {
    if (quality <= 0) continue
    if (type === '*/*' || type === '*') return 'text/plain'
    const found = Object.keys(byType).find(
      (offered) => offered === type || (type.endsWith('/*') && offered.startsWith(type.slice(0, -1))),
    )
    if (found) return found
  }
  return undefined
}
