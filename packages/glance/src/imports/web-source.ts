import type { Readable } from 'node:stream'
import { request } from 'undici'
import { glanceErrors } from '../errors.ts'
import { mayFetch, type UriFilter } from './uri-filter.ts'

const redirects = 5

/**
 * Opens a URL for download. Every redirect target passes the filter again (SSRF through redirects). Throws BadRequest when
 * it is filtered, does not answer, or answers anything but success.
 */
export async function openWebSource(uri: string, filter: UriFilter, signal?: AbortSignal): Promise<Readable> {
  let target = uri
  for (let hop = 0; hop <= redirects; hop += 1) {
    if (!mayFetch(target, filter)) throw glanceErrors.BadRequest({ reason: 'Invalid Url: it does not pass filtering' })
    const sent = request(target, { method: 'GET', signal, headersTimeout: 60_000, bodyTimeout: 300_000 })
    const response = await sent.catch((error: unknown) => {
      throw glanceErrors.BadRequest({ reason: `${target} does not answer` }, error)
    })
    if (response.statusCode === 200) return response.body
    await response.body.dump()
    const next = response.headers.location
    const moved = [301, 302, 303, 307, 308].includes(response.statusCode) && typeof next === 'string'
    if (!moved) throw glanceErrors.BadRequest({ reason: `${target} answered ${response.statusCode}` })
    target = new URL(next, target).href
  }
  throw glanceErrors.BadRequest({ reason: 'Too many redirects' })
}
