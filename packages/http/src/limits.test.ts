import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { openEnforcer } from '@hearth/auth'
import { type HearthError, type Identity, openMetrics, silentLog } from '@hearth/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Reply, type Route } from './route.ts'
import { openService } from './service.ts'

const member = { userId: 'u1', projectId: 'p1', roles: ['member'], accessRules: null } as unknown as Identity
const broken = (code: string) => async () => {
  throw Object.assign(new Error(`${code}: no space left on device, write`), { code })
}
const open = { policy: null, status: 200 } as const
const routes: Route<null>[] = [
  { ...open, method: 'POST', path: '/json', operation: async (_context, request) => ({ got: request.body }) },
  {
    ...open,
    method: 'PUT',
    path: '/stream',
    policy: 'own',
    stream: true,
    async operation(_context, request) {
      let size = 0
      for await (const chunk of request.stream) size += (chunk as Buffer).length
      return { size }
    },
  },
  {
    ...open,
    method: 'GET',
    path: '/endless',
    operation: async () =>
      new Reply(
        200,
        Readable.from(
          (function* () {
            for (;;) yield Buffer.alloc(64 * 1024)
          })(),
        ),
      ),
  },
  { ...open, method: 'GET', path: '/full', operation: broken('ENOSPC') },
  { ...open, method: 'GET', path: '/database-full', operation: broken('SQLITE_FULL') },
  { ...open, method: 'GET', path: '/no-files', operation: broken('EMFILE') },
  { ...open, method: 'GET', path: '/damaged', operation: broken('EIO') },
]

let port = 0
let close: () => Promise<void>
beforeAll(async () => {
  const running = await openService({
    name: 'things',
    host: '127.0.0.1',
    port: 0,
    prefixes: [''],
    routes,
    deps: null,
    log: silentLog,
    metrics: openMetrics(),
    maxBodyBytes: 2_000_000,
    limits: { headerSeconds: 0.4, bodySeconds: 0.4, idleSeconds: 0.4, keepAliveSeconds: 0.4, maxConnections: 40 },
    authenticator: {
      authenticate: async (token) => (token === 'member' ? member : null),
      close: async () => undefined,
    },
    enforcer: openEnforcer({ defaults: { own: 'role:member' } }),
    faults: (error: HearthError) => ({ status: error.status, body: { envelope: error.message } }),
  })
  port = Number(new URL(running.url!).port)
  close = running.close
})
afterAll(() => close())

/** All that comes back for some raw text, until the service closes the connection. */
function exchange(text: string, meanwhile?: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    let got = ''
    socket.on('data', (chunk) => {
      got += chunk
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(got))
    meanwhile?.(socket)
  })
}
const trickle = (bytes: string, everyMs: number) => (socket: Socket) => {
  const timer = setInterval(() => socket.write(bytes), everyMs)
  socket.on('close', () => clearInterval(timer))
}
const call = (path: string, more: RequestInit = {}) => fetch(`http://127.0.0.1:${port}${path}`, more)
const post = (body: string | Buffer<ArrayBuffer>) =>
  call('/json', { method: 'POST', body, headers: { 'content-type': 'application/json' } })

test('JSON nested 100 levels deep is parsed, one level more is 400 in the service’s form', async () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  expect((await post(nested(100))).status).toBe(200)
  for (const depth of [101, 50_000]) {
    const response = await post(nested(depth))
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ envelope: 'Malformed request body' })
  }
})

test('brackets inside of strings do not count as nesting', async () => {
  const text = `${'['.repeat(300)}\\"${'{'.repeat(300)}`
  expect(await (await post(`{"a":"${text}"}`)).json()).toEqual({ got: { a: text.replace('\\', '') } })
})

test.each([
  ['nonsense', 'nonsense\r\n\r\n', 400],
  ['two lengths', 'POST /json HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc', 400],
  ['a bad chunk', 'POST /json HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n', 400],
  ['a bad percent escape', 'GET /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 400],
  ['no Host', 'GET /full HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
  ['headers of 20 kB', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ['300 headers', `GET /full HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${'a: b\r\n'.repeat(300)}\r\n`, 431],
  ['a URL of 9,000 characters', `GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, 414],
])('%s is answered in the service’s form and the connection closed', async (_name, text, status) => {
  const [head = '', body = ''] = (await exchange(text)).split('\r\n\r\n')
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  expect(Object.keys(JSON.parse(body) as object)).toEqual(['envelope'])
  expect(body).not.toMatch(/HPE|Parse Error|FST_/)
})

test('headers that do not come to an end are 408', async () => {
  expect(await exchange('GET / HTTP/1.1\r\n', trickle('a: b\r\n', 50))).toMatch(/^HTTP\/1\.1 408 .*envelope/s)
})

test('a connection that never says anything is closed', async () => {
  await exchange('')
})

test('a JSON body that trickles is 408', async () => {
  const head = 'POST /json HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n['
  expect(await exchange(head, trickle(' ', 50))).toMatch(/^HTTP\/1\.1 408 .*envelope/s)
}, 30_000)

test('a streamed body that trickles or stops is cut', async () => {
  const head = 'PUT /stream HTTP/1.1\r\nHost: a\r\nX-Auth-Token: member\r\nContent-Length: 100000\r\n\r\nbytes'
  await exchange(head, trickle('x', 50))
  await exchange(head)
})

test('a client that stops reading its response is cut', async () => {
  const socket = connect(port, '127.0.0.1', () => socket.write('GET /endless HTTP/1.1\r\nHost: a\r\n\r\n'))
  socket.pause()
  await expect.poll(openConnections).toBe(1)
  await expect.poll(openConnections, { timeout: 20_000, interval: 200 }).toBe(0)
  socket.destroy()
})

/** Connections of this process to the service that the service still holds. */
function openConnections(): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)
  return lines.filter((line) => line.trim().split(/\s+/)[1] === local && line.trim().split(/\s+/)[3] === '01').length
}

test('who has no token is refused before the body is read, and cut when the body goes on', async () => {
  const head = 'PUT /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n'
  let sent = 0
  const got = await exchange(head, (socket) => {
    const chunk = Buffer.alloc(64 * 1024)
    const more = () => {
      while (!socket.destroyed && socket.write(chunk)) sent += chunk.length
    }
    socket.on('drain', more).once('connect', more)
  })
  expect(got).toMatch(/^HTTP\/1\.1 401 /)
  expect(sent).toBeLessThan(100_000_000)
})

test('who asks before sending is told to go on only when allowed', async () => {
  const head = (more: string) =>
    `PUT /stream HTTP/1.1\r\nHost: a\r\n${more}Expect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n`
  expect(await exchange(head(''))).toMatch(/^HTTP\/1\.1 401 /)
  const allowed = await exchange(head('X-Auth-Token: member\r\n'), (socket) =>
    socket.once('data', () => socket.write('bytes')),
  )
  expect(allowed).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 .*"size":5/s)
})

test('connections beyond the most allowed are closed, and there is room again when some end', async () => {
  const sockets = Array.from({ length: 60 }, () => connect(port, '127.0.0.1'))
  const closed = sockets.map((socket) => new Promise((done) => socket.on('error', () => undefined).on('close', done)))
  await Promise.any(closed)
  for (const socket of sockets) socket.destroy()
  await Promise.all(closed)
  await expect
    .poll(() =>
      call('/healthcheck').then(
        (response) => response.status,
        () => 0,
      ),
    )
    .toBe(200)
})

test.each([
  ['/full', 507],
  ['/database-full', 507],
  ['/no-files', 503],
  ['/damaged', 500],
])('what the system refuses at %s is %i and shows nothing of the inside', async (path, status) => {
  const response = await call(path)
  expect(response.status).toBe(status)
  const text = await response.text()
  expect(Object.keys(JSON.parse(text) as object)).toEqual(['envelope'])
  expect(text).not.toMatch(/ENOSPC|SQLITE|EIO|EMFILE|device/)
})

test.each(['{"a":"x\\u0000"}', '{"a\\u0000":1}', '[[{"a":["\\u0000"]}]]'])(
  'a null character in %j is 400',
  async (text) => {
    const response = await post(text)
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ envelope: 'Text must not hold null characters.' })
  },
)

test.each(['{"a":"x\\ud800"}', '{"a\\uDFFF":1}', '[[{"a":["\\udc00\\ud800"]}]]'])(
  'half of a surrogate pair in a JSON body is 400: %s',
  async (body) => {
    const response = await post(body)
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('valid Unicode')])
  },
)

test('a whole surrogate pair is text as any other', async () => {
  expect((await post('{"a":"\\ud83d\\ude00"}')).status).toBe(200)
})

test('a JSON body that is no UTF-8 is 400, and not changed to be', async () => {
  expect((await post(Buffer.from([...Buffer.from('{"a":"x'), 0xff, ...Buffer.from('"}')]))).status).toBe(400)
})

test('an escaped backslash before u0000 is no null character, and one in the URL is 400', async () => {
  expect((await post('{"a":"\\\\u0000"}')).status).toBe(200)
  expect((await call('/json?name=a%00b')).status).toBe(400)
})

test('JSON of 200,000 values is 400 before it is parsed', async () => {
  for (const text of [`[${'1,'.repeat(200_000)}1]`, `[${'[],'.repeat(150_000)}1]`])
    expect(await (await post(text)).json()).toEqual({ envelope: 'Malformed request body' })
})
