import type { Readable } from 'node:stream'
import { commonErrors } from '@hearth/core'
import type { FastifyInstance } from 'fastify'
import { requestErrors } from './validation.ts'

/** Leaves the bodies of streaming rows alone and gathers the others as bytes, to be parsed when the row is known. */
export function collectBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (request, payload, done) => {
    if (request.routeOptions.config.stream) return done(null, payload)
    gather(payload, request.routeOptions.bodyLimit ?? Number.POSITIVE_INFINITY).then(
      (bytes) => done(null, bytes),
      (error: Error) => done(error),
    )
  })
}

async function gather(payload: Readable, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of payload) {
    size += (chunk as Buffer).length
    if (size > limit) throw commonErrors.TooLarge()
    chunks.push(chunk as Buffer)
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}

/** Parses a gathered body; undefined for an empty one. Throws MalformedJson or UnsupportedContentType (400). */
export function parseJsonBody(bytes: unknown, contentType: string | undefined): unknown {
  if (!Buffer.isBuffer(bytes) || bytes.length === 0) return undefined
  if (contentType !== undefined && !contentType.includes('json'))
    throw requestErrors.UnsupportedContentType({ type: contentType })
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw requestErrors.MalformedJson({}, cause)
  }
}
