import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { Context } from '@hearth/core'

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** JSON schema; a property marked by `since()` exists only from that microversion on. */
export type Schema = Record<string, unknown>

/** One request as operations see it: no fastify here. */
export interface ApiRequest {
  params: Record<string, string>
  /** A key given several times holds all its values. */
  query: Record<string, string | string[]>
  /** Parsed JSON that has passed the row's schema; undefined without a body. */
  body: unknown
  headers: IncomingHttpHeaders
  /** The unread body, on rows with `stream: true`. */
  stream: Readable
  /** `scheme://host[:port]` as the client reached us, without a trailing slash. */
  baseUrl: string
  /** IP address of the client, also behind a trusted proxy. */
  clientAddress: string
  /** Path and query string as sent. */
  url: string
  method: string
  /** Negotiated microversion, '' for services without them. */
  version: string
  /** Fires when the client disconnects before the response is complete. */
  aborted: AbortSignal
}

/** A response with a status, headers or a body that is not JSON. */
export class Reply {
  readonly status: number
  readonly body: unknown
  readonly headers: Record<string, string>

  /** A string, Buffer or Readable body is sent as it is; anything else as JSON; undefined sends none. */
  constructor(status: number, body?: unknown, headers: Record<string, string> = {}) {
    this.status = status
    this.body = body
    this.headers = headers
  }
}

/**
 * One line of a service's API. `policy` names the rule every caller must satisfy for its own project before the
 * operation runs (the operation enforces it again on what it finds); null means: a token is optional and nothing is
 * checked.
 */
export interface Route<Deps = unknown> {
  method: Method | readonly Method[]
  /** fastify path under the service's prefixes, e.g. `/volumes/:id`. */
  path: string
  /** First and last microversion that has the row. */
  since?: string
  until?: string
  policy: string | null
  /** First key of the JSON body, e.g. `os-extend`, which selects one of several rows of a path. */
  action?: string
  body?: Schema
  /** Shape of the success body; members not in it are dropped. */
  reply?: Schema
  /** Success status. */
  status: number
  /** True: the body stays a stream. */
  stream?: boolean
  /** Returns the response's body, or a Reply. */
  operation(context: Context, request: ApiRequest, deps: Deps): Promise<unknown>
}

/** Marks a schema property as present from this microversion on. */
export function since(version: string, schema: Schema): Schema {
  return { ...schema, 'x-since': version }
}
