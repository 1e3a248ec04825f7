import { once } from 'node:events'
import { Dicer } from '@fastify/busboy'

/** A part of a multipart body. The unread rest of its data is skipped when the next part is read. */
export interface Part {
  /** By lower-case name; the first of equal ones. */
  headers: ReadonlyMap<string, string>
  data: AsyncIterable<Buffer>
}

/** The body is not what its Content-Type says. */
export class MultipartError extends Error {
  override readonly name = 'MultipartError'
}

/** Bytes of the headers of one part. */
const mostHeaderBytes = 8192
/** Bytes of a boundary: RFC 2046 allows 70. */
const longestBoundary = 200

/**
 * Reads the parts of a multipart body one after the other, with back-pressure. Throws MultipartError for a body that
 * does not begin with the boundary, as Swift's formpost does, or that ends early.
 */
export async function* readParts(source: AsyncIterable<Buffer>, boundary: string): AsyncGenerator<Part> {
  if (boundary.length > longestBoundary) throw new MultipartError('invalid starting boundary')
  const queue = openQueue()
  // Its type does not know the size.
  const limits = { maxHeaderPairs: 50, maxHeaderSize: mostHeaderBytes }
  const parser = new Dicer({ boundary, ...limits })
  parser.on('error', () => queue.close(new MultipartError('unexpected end of the form')))
  parser.on('finish', () => queue.close(null))
  const head = { open: false }
  parser.on('part', (part) => {
    head.open = true
    part.on('error', () => undefined)
    part.once('header', (headers: object) => {
      head.open = false
      queue.add({ part, headers: new Map(Object.entries(headers).map(first)) })
    })
  })
  const stop = Promise.withResolvers<void>()
  void feed(parser, withinHeads(fromBoundary(source, boundary), head), queue, stop.promise)
  try {
    for (;;) {
      const found = await queue.take()
      if (!found) return
      const { part, headers } = found
      yield { headers, data: { [Symbol.asyncIterator]: () => dataOf(part) } }
      part.resume()
      if (!part.readableEnded && !part.destroyed) await once(part, 'end').catch(endsEarly)
    }
  } finally {
    stop.resolve()
    parser.destroy()
  }
}

async function* dataOf(part: Dicer.PartStream): AsyncGenerator<Buffer> {
  try {
    yield* part.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
  } catch {
    endsEarly()
  }
}

function endsEarly(): never {
  throw new MultipartError('unexpected end of the form')
}

const first = ([name, values]: [string, string[]]): [string, string] => [
  name,
  Buffer.from(values[0] ?? '', 'latin1').toString('utf8'),
]

/** Writes the body into the parser, but not before the parts that came are taken. */
async function feed(
  parser: Dicer,
  source: AsyncIterable<Buffer>,
  queue: ReturnType<typeof openQueue>,
  stop: Promise<void>,
): Promise<void> {
  let stopped = false
  void stop.then(() => {
    stopped = true
  })
  try {
    for await (const chunk of source) {
      await Promise.race([stop, new Promise((resolve) => parser.write(chunk, resolve))])
      await Promise.race([stop, queue.empty()])
      if (stopped) return
    }
    parser.end()
  } catch (error) {
    queue.close(error as Error)
  }
}

/** Throws MultipartError for part headers above the limit; the parser only drops them. */
async function* withinHeads(source: AsyncIterable<Buffer>, head: { open: boolean }): AsyncGenerator<Buffer> {
  let size = 0
  for await (const chunk of source) {
    yield chunk
    size = head.open ? size + chunk.length : 0
    if (size > 128 * 1024) throw new MultipartError('the headers of a part are too long')
  }
}

/**
 * Passes on a body that begins with the boundary, without blank lines before it. Throws MultipartError at the first
 * other byte.
 */
async function* fromBoundary(source: AsyncIterable<Buffer>, boundary: string): AsyncGenerator<Buffer> {
  const mark = Buffer.from(`--${boundary}`)
  let head: Buffer | null = Buffer.alloc(0)
  for await (const chunk of source) {
    if (head === null) {
      yield chunk
      continue
    }
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
    while (head[0] === 13 && head[1] === 10) head = head.subarray(2)
    const length = Math.min(head.length, mark.length)
    if (head.length === 1 && head[0] === 13) continue
    if (!head.subarray(0, length).equals(mark.subarray(0, length)))
      throw new MultipartError('invalid starting boundary')
    if (length < mark.length) continue
    yield head
    head = null
  }
  if (head !== null) throw new MultipartError('invalid starting boundary')
}

type Queued = { part: Dicer.PartStream; headers: Map<string, string> }

/** Parts that wait to be taken; the few of one chunk of the body at most. */
function openQueue() {
  const waiting: Queued[] = []
  let end: { error: Error | null } | null = null
  let wake = Promise.withResolvers<void>()
  const change = () => {
    wake.resolve()
    wake = Promise.withResolvers<void>()
  }
  return {
    add(queued: Queued) {
      waiting.push(queued)
      change()
    },
    close(error: Error | null) {
      end ??= { error }
      change()
    },
    /** The next part; null after the last. Throws what the queue was closed with. */
    async take(): Promise<Queued | null> {
      while (waiting.length === 0 && end === null) await wake.promise
      const next = waiting.shift()
      change()
      if (next) return next
      if (end?.error) throw end.error
      return null
    },
    async empty(): Promise<void> {
      while (waiting.length > 0) await wake.promise
    },
  }
}

/** `form-data; name="a"; filename="b"` → name a, filename b. Reads in one pass. */
export function dispositionOf(header: string | undefined): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const text = header ?? ''
  const next = /;\s*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;]*))\s*/y
  next.lastIndex = Math.max(0, text.indexOf(';'))
  for (let match = next.exec(text); match; match = next.exec(text))
    if (!found.has(match[1]!.toLowerCase())) found.set(match[1]!.toLowerCase(), match[2] ?? match[3] ?? '')
  return found
}
