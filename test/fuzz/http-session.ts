import type { Arbitrary } from 'fast-check'
import { type Exchanged, exchange } from './exchange.ts'
import type { Fixtures } from './fixtures.ts'
import { note } from './notes.ts'
import type { Request } from './requests.ts'
import type { Session } from './target.ts'

/** What differs between the four services. */
interface Wire {
  url: string
  fixtures: Fixtures
  /** Throws when an error is not in the service's own form. */
  checkError(answer: Exchanged, request: Request): void
  /** Placeholders of what only the admin may reach. */
  adminOnly: readonly string[]
}

/** Statuses of 500 and above that are documented: not implemented, for now too much, no space left. */
const documented = [501, 503, 507]
const refreshEvery = 400
const answerWithinMs = 20_000

/** Sends each request on a connection of its own and checks what every answer must keep. */
export function httpSession(cases: Arbitrary<Request>, wire: Wire): Session<Request> {
  const port = Number(new URL(wire.url).port)
  let count = 0
  return {
    cases,
    async run(request) {
      if (++count % refreshEvery === 0) await wire.fixtures.refresh()
      const bytes = encode(request, wire.fixtures, port)
      const answer = await exchange(port, bytes, {
        withinMs: answerWithinMs,
        finish: false,
        isHead: request.method === 'HEAD',
      })
      if (answer === null) throw new Error(`${request.route} gets no answer`)
      note(String(answer.status))
      check(request, answer, wire)
      await checkHealth(port, request)
    },
  }
}

function check(request: Request, answer: Exchanged, wire: Wire): void {
  const { status } = answer
  const shown = (): string =>
    `\n${request.method} ${request.url.slice(0, 300)}\n${answer.body.toString().slice(0, 500)}`
  if (status >= 500 && !documented.includes(status)) throw new Error(`${request.route} answers ${status}${shown()}`)
  const succeeded = status < 300 && request.method !== 'OPTIONS'
  const ownToken = request.headers.some(([name]) => /^x-(auth|storage)-token$/.test(name))
  if (succeeded && request.guarded && request.as === 'nobody' && !ownToken)
    throw new Error(`${request.route} lets anybody in${shown()}`)
  const foreign = wire.adminOnly.some((name) =>
    /\/(images|volumes|snapshots|cache)\/$/.test(request.url.split(`{${name}}`, 1)[0]!),
  )
  if (succeeded && foreign && request.as === 'demo' && !ownToken)
    throw new Error(`${request.route} shows the admin's to another user${shown()}`)
  // Node itself answers an expectation that nobody knows.
  if (status < 400 || status === 417 || request.method === 'HEAD') return
  try {
    wire.checkError(answer, request)
  } catch (error) {
    throw new Error(`answers ${status} in another form${shown()}\n${(error as Error).message}`)
  }
}

async function checkHealth(port: number, request: Request): Promise<void> {
  const ask = Buffer.from('GET /healthcheck HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
  const health = await exchange(port, ask, { withinMs: answerWithinMs, finish: false, isHead: false })
  if (health?.status !== 200) throw new Error(`after ${request.route} the health check fails`)
}

/** The bytes of a request; placeholders are filled in. */
function encode(request: Request, fixtures: Fixtures, port: number): Buffer {
  const names = new Set(request.headers.map(([name]) => name))
  const headers: [string, string][] = request.headers.map(([name, value]) => [name, fixtures.fill(value)])
  if (!names.has('host')) headers.unshift(['host', `127.0.0.1:${port}`])
  if (!names.has('connection')) headers.push(['connection', 'close'])
  if (request.as !== 'nobody' && !names.has('x-auth-token')) headers.push(['x-auth-token', fixtures.tokens[request.as]])
  const body =
    typeof request.body === 'string' ? Buffer.from(fixtures.fill(request.body)) : (request.body ?? Buffer.alloc(0))
  if (request.chunked) headers.push(['transfer-encoding', 'chunked'])
  else if (request.body !== null && !names.has('content-length')) headers.push(['content-length', String(body.length)])
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const head = Buffer.from(`${request.method} ${fixtures.fill(request.url)} HTTP/1.1\r\n${lines}\r\n`, 'latin1')
  return Buffer.concat([head, request.chunked ? chunksOf(body) : body])
}

function chunksOf(body: Uint8Array): Buffer {
  const chunk = body.length === 0 ? [] : [Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')]
  return Buffer.concat([...chunk, Buffer.from('0\r\n\r\n')])
}
