import { connect, type Socket } from 'node:net'

export interface Exchanged {
  status: number
  /** Names in lower case; of several with one name, the last. */
  headers: Map<string, string>
  body: Buffer
}

/**
 * Sends raw bytes on a connection of their own and reads one response. Null when the server closed without any, or sent
 * none within `withinMs` ms. After `finish` (half-)closes its side when all is sent.
 */
export function exchange(
  port: number,
  request: Buffer,
  options: { withinMs: number; finish: boolean; isHead: boolean },
): Promise<Exchanged | null> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const chunks: Buffer[] = []
    let length = 0
    const settle = (ended: boolean): void => {
      const found = readResponse(Buffer.concat(chunks, length), ended, options.isHead)
      if (found === 'incomplete' && !ended) return
      clearTimeout(timer)
      socket.destroy()
      if (found === 'incomplete') resolve(null)
      else if (found instanceof Error) reject(found)
      else resolve(found)
    }
    const timer = setTimeout(() => {
      socket.destroy()
      resolve(null)
    }, options.withinMs)
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      length += chunk.length
      settle(false)
    })
    socket.on('end', () => settle(true))
    socket.on('error', () => settle(true))
    socket.on('close', () => settle(true))
    socket.write(request, () => {
      if (options.finish) socket.end()
    })
  })
}

/** The first final response in these bytes; an Error when they are no HTTP. */
function readResponse(all: Buffer, ended: boolean, isHead: boolean): Exchanged | 'incomplete' | Error {
  let rest = all
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) return 'incomplete'
    const [line = '', ...fields] = rest.subarray(0, end).toString('latin1').split('\r\n')
    rest = rest.subarray(end + 4)
    const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(line)?.[1] ?? 0)
    if (status === 0) return new Error(`answers with what is no HTTP: ${line.slice(0, 100)}`)
    const headers = new Map(
      fields.map((field) => [field.split(':', 1)[0]!.toLowerCase(), field.replace(/^[^:]*:\s*/, '')]),
    )
    if (status < 200) continue
    if (isHead || status === 204 || status === 304) return { status, headers, body: Buffer.alloc(0) }
    const body = readBody(rest, headers, ended)
    return body === null ? 'incomplete' : { status, headers, body }
  }
}

function readBody(rest: Buffer, headers: Map<string, string>, ended: boolean): Buffer | null {
  if (headers.get('transfer-encoding') === 'chunked') return readChunks(rest, ended)
  const length = headers.get('content-length')
  if (length === undefined) return ended ? rest : null
  return rest.length >= Number(length) || ended ? rest.subarray(0, Number(length)) : null
}

function readChunks(rest: Buffer, ended: boolean): Buffer | null {
  const pieces: Buffer[] = []
  for (let at = 0; ; ) {
    const line = rest.indexOf('\r\n', at)
    const size = line < 0 ? Number.NaN : Number.parseInt(rest.subarray(at, line).toString('latin1'), 16)
    if (Number.isNaN(size) || line + 4 + size > rest.length) return ended ? Buffer.concat(pieces) : null
    if (size === 0) return Buffer.concat(pieces)
    pieces.push(rest.subarray(line + 2, line + 2 + size))
    at = line + 4 + size
  }
}
