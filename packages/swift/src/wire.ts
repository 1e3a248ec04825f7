import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setOwn } from '@hearth/core'
import type { SwiftRequest } from './request.ts'
import { refuse, type SwiftResponse } from './response.ts'

/** `tx`, 21 hex digits, a dash and the time as 10 hex digits. */
export const transactionId = (): string =>
  `tx${randomBytes(11).toString('hex').slice(0, 21)}-${Math.floor(Date.now() / 1000)
    .toString(16)
    .padStart(10, '0')}`

/** Percent-decodes strictly as UTF-8; bad escapes stay as they are, as in Swift. Throws a 412 for other bytes and for NUL. */
export function decodePath(raw: string): string {
  const bytes = Buffer.from(
    raw.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    if (!text.includes('\0')) return text
  } catch {
    // Falls through to the refusal.
  }
  throw refuse(412, 'Invalid UTF8 or contains NULL')
}

export interface SwiftPath {
  account: string
  container: string | null
  object: string | null
}

/** Splits `/v1/account[/container[/object]]`; null when the path is none. */
export function splitPath(path: string): SwiftPath | null {
  const match = /^\/v1(?:\.0)?\/([^/]+)(?:\/([^/]*)(?:\/([\s\S]*))?)?$/.exec(path)
  if (!match) return null
  const [, account, container, object] = match
  if (!container && object) throw refuse(412, 'Bad URL')
  return { account: account!, container: container || null, object: object || null }
}

/** Headers by lower-case name; underscores are dashes, as WSGI makes them, and bytes are UTF-8. */
export function readHeaders(message: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(message.headers)) {
    const text = Array.isArray(value) ? value.join(', ') : (value ?? '')
    setOwn(
      headers,
      name.includes('_') ? name.replaceAll('_', '-') : name,
      isAscii(text) ? text : Buffer.from(text, 'latin1').toString('utf8'),
    )
  }
  return headers
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
const isAscii = (text: string) => /^[\u0000-\u007f]*$/.test(text)

/** How long a client may pause while it sends a body. */
const bodyPatience = 60_000

/** The body as it comes in. A client that waits for `100 Continue` gets it when the first byte is wanted. */
export async function* readBody(
  message: IncomingMessage,
  reply: ServerResponse,
  waits: boolean,
): AsyncGenerator<Buffer> {
  if (waits) reply.writeContinue()
  const chunks = message.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>
  try {
    for (;;) {
      const { done, value } = await inTime(chunks.next())
      if (done) return
      yield value
    }
  } finally {
    // Lets go of the message, whose rest can be discarded then.
    await chunks.return?.()
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(refuse(408)), bodyPatience)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

const capitals = new Map<string, string>()

/** `x-trans-id` → `X-Trans-Id` */
function capitalise(name: string): string {
  let known = capitals.get(name)
  if (known === undefined) {
    known = name.replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase())
    // Metadata names are the client's: the table must not grow with them.
    if (capitals.size < 500) capitals.set(name, known)
  }
  return known
}

/** Sends an answer; resolves when it is on its way or the client has gone. */
export async function send(
  request: Pick<SwiftRequest, 'method' | 'transactionId'>,
  response: SwiftResponse,
  reply: ServerResponse,
): Promise<void> {
  const { body } = response
  const bare = response.status === 204 || response.status === 304
  const stream = body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body) ? body : null
  // The first piece is fetched before the status is sent, so that a body nobody can read is an error and not a torn answer.
  const pieces = stream && request.method !== 'HEAD' ? stream[Symbol.asyncIterator]() : null
  const first = pieces ? await pieces.next() : null
  const headers = wireHeaders(request, response)
  const plain = stream ? null : Buffer.from((body ?? '') as string)
  if (plain && !bare && headers['Content-Length'] === undefined) headers['Content-Length'] = String(plain.length)
  if (bare) delete headers['Content-Length']
  try {
    reply.writeHead(response.status, headers)
  } catch (error) {
    // What the first piece has opened would stay open.
    await pieces?.return?.()
    throw error
  }
  if (pieces && first) return pour(pieces, first, reply)
  reply.end(bare || request.method === 'HEAD' || !plain || plain.length === 0 ? undefined : plain)
}

function wireHeaders(
  request: Pick<SwiftRequest, 'transactionId'>,
  response: SwiftResponse,
): Record<string, string | undefined> {
  const headers: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries(response.headers)) {
    const clean = isAscii(value) ? value : Buffer.from(value, 'utf8').toString('latin1')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: such a header cannot be sent
    setOwn(headers, capitalise(name), clean.replace(/[\u0000-\u0008\u000a-\u001f\u007f]/g, ''))
  }
  headers['X-Trans-Id'] = request.transactionId
  headers['X-Openstack-Request-Id'] = request.transactionId
  return headers
}

async function pour(
  pieces: AsyncIterator<Buffer>,
  first: IteratorResult<Buffer>,
  reply: ServerResponse,
): Promise<void> {
  try {
    for (let piece = first; !piece.done && !reply.destroyed; piece = await pieces.next()) {
      if (!reply.write(piece.value)) await drained(reply)
    }
    reply.end()
  } catch (error) {
    reply.destroy()
    throw error
  } finally {
    await pieces.return?.()
  }
}

function drained(reply: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      reply.off('drain', go)
      reply.off('close', go)
      resolve()
    }
    reply.on('drain', go)
    reply.on('close', go)
    if (reply.destroyed) go()
  })
}
