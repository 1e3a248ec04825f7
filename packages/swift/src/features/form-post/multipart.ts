import { setOwn } from '@hearth/core'
/** A part of a multipart body; its data must be read to the end before the next part is asked for. */
export interface Part {
  headers: Record<string, string>
  data: AsyncGenerator<Buffer>
}

/** Splits a multipart body at its boundary without holding more of it than a chunk. */
export async function* readParts(source: AsyncIterable<Buffer>, boundary: string): AsyncGenerator<Part> {
  const chunks = source[Symbol.asyncIterator]()
  // The first boundary has no line end before it; giving it one makes all boundaries alike.
  let rest: Buffer = Buffer.from('\r\n')
  let ended = false
  const fill = async () => {
    const { done, value } = await chunks.next()
    if (done) ended = true
    else rest = Buffer.concat([rest, value])
  }
  const mark = Buffer.from(`\r\n--${boundary}`)
  async function* until(delimiter: Buffer): AsyncGenerator<Buffer> {
    for (;;) {
      const at = rest.indexOf(delimiter)
      if (at >= 0) {
        const piece = rest.subarray(0, at)
        rest = rest.subarray(at + delimiter.length)
        if (piece.length > 0) yield piece
        return
      }
      // The end of what is there may be the beginning of the delimiter.
      const safe = ended ? rest.length : Math.max(0, rest.length - delimiter.length)
      const piece = rest.subarray(0, safe)
      rest = rest.subarray(safe)
      if (piece.length > 0) yield piece
      if (ended) return
      await fill()
    }
  }
  const all = async (delimiter: Buffer) => {
    const pieces: Buffer[] = []
    for await (const piece of until(delimiter)) pieces.push(piece)
    return Buffer.concat(pieces)
  }
  await all(mark)
  for (;;) {
    while (rest.length < 2 && !ended) await fill()
    if (rest.length < 2 || rest.subarray(0, 2).toString() === '--') return
    rest = rest.subarray(2)
    const headers = parseHeaders((await all(Buffer.from('\r\n\r\n'))).toString('utf8'))
    const data = until(mark)
    yield { headers, data }
    for await (const _ of data) {
      // What was not read is skipped.
    }
  }
}

function parseHeaders(text: string): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const line of text.split('\r\n')) {
    const at = line.indexOf(':')
    if (at > 0) setOwn(headers, line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim())
  }
  return headers
}

/** `form-data; name="a"; filename="b"` → `{ name: 'a', filename: 'b' }` */
export function dispositionOf(header: string | undefined): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [, key, quoted, bare] of (header ?? '').matchAll(/;\s*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;]*))/g))
    setOwn(found, key!.toLowerCase(), quoted ?? bare ?? '')
  return found
}
