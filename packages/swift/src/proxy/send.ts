import type { ServerResponse } from 'node:http'
import { setOwn } from '@hearth/core'
import type { SwiftResponse } from '../model/response.ts'
import type { SwiftRequest } from './request.ts'
import { isAscii } from './wire.ts'

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

/**
 * Sends a response and waits until the kernel has all of it. Returns false and closes the connection when the client
 * disconnects, or reads too little for `timeoutMs`.
 */
export async function send(
  request: Pick<SwiftRequest, 'method' | 'transactionId'>,
  response: SwiftResponse,
  reply: ServerResponse,
  timeoutMs: number,
): Promise<boolean> {
  const { body } = response
  const bare = response.status === 204 || response.status === 304
  const stream = body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body) ? body : null
  // The first piece is read before the status is sent, so that an unreadable body is an error and not a cut response.
  const pieces = stream && request.method !== 'HEAD' ? stream[Symbol.asyncIterator]() : null
  const first = pieces ? await pieces.next() : null
  const headers = wireHeaders(request, response)
  const plain = stream ? null : Buffer.from((body ?? '') as string)
  if (plain && !bare && headers['Content-Length'] === undefined) headers['Content-Length'] = String(plain.length)
  if (bare) delete headers['Content-Length']
  try {
    reply.writeHead(response.status, headers)
  } catch (error) {
    // Closes what the first piece has opened.
    await pieces?.return?.()
    throw error
  }
  if (pieces && first) await pour(pieces, first, reply, timeoutMs)
  else if (plain && !bare && request.method !== 'HEAD') await pour(nothing, { value: plain }, reply, timeoutMs)
  if (!reply.destroyed) await happens(reply, 'finish', timeoutMs, () => reply.end())
  return reply.writableFinished
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

const nothing: AsyncIterator<Buffer> = { next: async () => ({ done: true, value: undefined }) }

async function pour(
  pieces: AsyncIterator<Buffer>,
  first: IteratorResult<Buffer>,
  reply: ServerResponse,
  timeoutMs: number,
): Promise<void> {
  const write = openWriter(reply, timeoutMs)
  try {
    for (let piece = first; !piece.done && !reply.destroyed; piece = await pieces.next()) await write(piece.value)
  } catch (error) {
    reply.destroy()
    throw error
  } finally {
    await pieces.return?.()
  }
}

const smallestSlice = 64 * 1024
const fastMs = 1000

/**
 * Writes in slices that must each be read within `timeoutMs`: 64 KiB for a slow client, growing while the client is
 * fast.
 */
function openWriter(reply: ServerResponse, timeoutMs: number): (bytes: Buffer) => Promise<void> {
  let most = smallestSlice
  return async (bytes) => {
    for (let at = 0; at < bytes.length && !reply.destroyed; ) {
      const slice = bytes.subarray(at, at + most)
      at += slice.length
      if (reply.write(slice)) continue
      const begun = performance.now()
      await happens(reply, 'drain', timeoutMs)
      most = performance.now() - begun < fastMs ? Math.min(most * 2, 2 ** 24) : smallestSlice
    }
  }
}

/** Waits for an event of the response or its end; destroys it when neither comes in time. */
function happens(
  reply: ServerResponse,
  event: 'drain' | 'finish',
  timeoutMs: number,
  start?: () => void,
): Promise<void> {
  return new Promise((resolve) => {
    // A response to a pipelined request has no socket before the ones ahead of it are done.
    const late = () => (reply.socket === null ? timer.refresh() : reply.destroy())
    const timer = setTimeout(late, timeoutMs)
    const go = () => {
      clearTimeout(timer)
      reply.off(event, go)
      reply.off('close', go)
      resolve()
    }
    reply.on(event, go)
    reply.on('close', go)
    start?.()
    if (reply.destroyed) go()
  })
}
