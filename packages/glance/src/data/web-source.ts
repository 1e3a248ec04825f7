import { lookup as resolve } from 'node:dns'
import type { LookupFunction } from 'node:net'
import type { Readable } from 'node:stream'
import { Agent, request } from 'undici'
import { glanceErrors } from '../model/errors.ts'
import { mayConnect, mayFetch, type UriFilter } from './uri-filter.ts'

const redirects = 5

/** Connections go to the very addresses that were checked: a name that resolves anew (DNS rebinding) gains nothing. */
const checkedLookup =
  (filter: UriFilter): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const good = (addresses ?? []).filter(({ address }) => mayConnect(address, filter))
      const first = good[0]
      if (error || !first) callback(error ?? new Error(`the address of ${hostname} does not pass filtering`), '', 0)
      else if (options.all) callback(null, good)
      else callback(null, first.address, first.family)
    })
  }

/**
 * Opens a URL for download. Every redirect target passes the filter again (SSRF through redirects). Throws BadRequest
 * for a filtered URL, a server that does not respond, and a response other than success.
 */
export async function openWebSource(uri: string, filter: UriFilter, signal?: AbortSignal): Promise<Readable> {
  const dispatcher = new Agent({ connect: { lookup: checkedLookup(filter) }, pipelining: 0 })
  let target = uri
  for (let hop = 0; hop <= redirects; hop += 1) {
    if (!mayFetch(target, filter)) throw glanceErrors.BadRequest({ reason: 'Invalid Url: it does not pass filtering' })
    const sent = request(target, { dispatcher, method: 'GET', signal, headersTimeout: 60_000, bodyTimeout: 300_000 })
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
