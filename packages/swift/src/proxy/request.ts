import type { Identity, Logger } from '@hearth/core'
import type { SwiftResponse } from '../model/response.ts'

/** Function that decides about access, with the container's list for reading or writing if there is one. */
export interface Access {
  acl: string | null
}

/** Returns the refusal, or null when the request may go on. */
export type Authorize = (request: SwiftRequest, access: Access) => SwiftResponse | null | Promise<SwiftResponse | null>

/** One request, of a client or of a feature; features change copies of it. */
export interface SwiftRequest {
  method: string
  /** As the client sent it, without the query. */
  path: string
  account: string
  container: string | null
  object: string | null
  query: Record<string, string>
  /** Names in lower case with dashes, values UTF-8. */
  headers: Record<string, string>
  body: AsyncIterable<Buffer>
  /** Content-Length; null when chunked or absent. */
  length: number | null
  /** True with Transfer-Encoding: chunked. */
  chunked: boolean
  transactionId: string
  /** Aborted when the client goes away; work that goes on and on stops then. */
  gone: AbortSignal
  /** Scheme, host and port as the client knows us. */
  baseUrl: string
  /** IP address of the client, also behind a trusted proxy. */
  clientAddress: string
  identity: Identity | null
  serviceRoles: string[]
  authorize: Authorize
  /** Set when a signature lets the caller in, in place of a token. */
  preauthorized: boolean
  /** The path ended with a slash after the container. */
  slash: boolean
  /** Set by authorize: the caller owns the account and sees its access lists and keys. */
  owner: boolean
  /** Set by authorize: the caller administers all accounts. */
  reseller: boolean
  /** Headers of the object that only features may set; they stay as long as its data. */
  sysmeta: Record<string, string>
  log: Logger
}

export type Handler = (request: SwiftRequest) => Promise<SwiftResponse>

/** An empty body. */
async function* nothing(): AsyncGenerator<Buffer> {}

/** A body of one piece. */
export async function* once(body: string | Buffer): AsyncGenerator<Buffer> {
  if (body.length > 0) yield Buffer.from(body as string)
}

/** A request that a feature makes on the client's behalf; the body is empty unless given. */
export function derive(request: SwiftRequest, changes: Partial<SwiftRequest>): SwiftRequest {
  return { ...request, query: {}, body: nothing(), length: 0, chunked: false, sysmeta: {}, ...changes }
}

/** The page a browser comes from, which access lists may name, for requests made on the client's behalf. */
export const refererOf = ({ headers }: SwiftRequest): Record<string, string> =>
  headers.referer === undefined ? {} : { referer: headers.referer }

/**
 * Returns the request as a signature allows it: without identity, decided by `authorize`, and without query parameters
 * beyond the signed ones.
 */
export const preauthorize = (request: SwiftRequest, authorize: Authorize): SwiftRequest => ({
  ...request,
  query: {},
  identity: null,
  serviceRoles: [],
  preauthorized: true,
  authorize,
})

/** `true`, `1`, `yes`, `on`, `t` and `y` are true, as in Swift's configuration. */
export const isTrue = (value: string | undefined): boolean =>
  ['true', '1', 'yes', 'on', 't', 'y'].includes((value ?? '').toLowerCase())

/** `/account[/container[/object]]` */
export const pathOf = (request: Pick<SwiftRequest, 'account' | 'container' | 'object'>): string =>
  `/${[request.account, request.container, request.object].filter((part) => part !== null).join('/')}`

/** Reads the whole body, up to `limit` bytes; null when it is longer. */
export async function readAll(body: AsyncIterable<Buffer>, limit: number): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > limit) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
