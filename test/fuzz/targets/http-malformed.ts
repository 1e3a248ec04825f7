import fc from 'fast-check'
import { exchange } from '../exchange.ts'
import { note } from '../notes.ts'
import { define } from '../target.ts'
import { damage, damages } from '../values.ts'

const lines = [
  ...[
    'GET / HTTP/1.1',
    'GET /v3 HTTP/1.0',
    'GET /v3',
    'get / HTTP/1.1',
    'PRI * HTTP/2.0',
    'GET http://a/ HTTP/1.1',
    'CONNECT a:1 HTTP/1.1',
  ],
  ...[
    'OPTIONS * HTTP/1.1',
    'POST /v3/auth/tokens HTTP/1.1',
    'PUT /v1/AUTH_x/a/b HTTP/1.1',
    'GET //v3//users HTTP/1.1',
    'GET /\t HTTP/1.1',
  ],
  ...[
    'GET / HTTP/9.9',
    'GET / HTTP/1.1 x',
    '',
    '\0',
    'GET /%00 HTTP/1.1',
    'M-SEARCH * HTTP/1.1',
    'PATCH /v2/images/x HTTP/1.1',
  ],
]
const fields = [
  ...[
    'Host: a',
    'Host: a\r\nHost: b',
    'Content-Length: 5',
    'Content-Length: -1',
    'Content-Length: 5, 5',
    'Content-Length: 1e3',
  ],
  ...[
    'Content-Length: 99999999999999999999',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding : chunked',
    'Transfer-Encoding: xchunked',
  ],
  ...[
    'Transfer-Encoding: gzip, chunked',
    'Connection: keep-alive, close',
    'Connection: upgrade\r\nUpgrade: h2c',
    'Expect: 100-continue',
  ],
  ...[
    'Expect: x',
    ' folded: a',
    'a:\r\n b',
    'a\0b: c',
    'a: \0',
    ': x',
    'nothing',
    'X-Auth-Token: x',
    'Upgrade: websocket',
    'a: \xff\xfe',
  ],
  ...[
    'Content-Type: application/json',
    'Content-Type: multipart/form-data; boundary=',
    'Accept: */*',
    'Trailer: x',
    'TE: trailers',
  ],
]
const bodies = [
  ...[
    '',
    '5\r\nhello\r\n0\r\n\r\n',
    '5\r\nhel',
    'ffffffffffffffff\r\n',
    '-1\r\n',
    '5;ext="\0"\r\nhello\r\n0\r\nx: y\r\n\r\n',
    'hello',
  ],
  ...['hellohello', 'GET / HTTP/1.1\r\n\r\n', '0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'],
]

/** Bytes that are nearly HTTP, to each of the four services: refused at once, whatever they are. */
export const target = define({
  surface: 'suite',
  memoryMiB: 600,
  async open(place) {
    const ports = Object.values(place!.urls).map((url) => Number(new URL(url).port))
    return {
      cases: fc.record({
        port: fc.integer({ min: 0, max: 3 }),
        line: fc.constantFrom(...lines),
        fields: fc.array(fc.constantFrom(...fields), { maxLength: 5 }),
        many: fc.constantFrom(0, 0, 0, 0, 0, 0, 100, 3000),
        end: fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r', ''),
        body: fc.constantFrom(...bodies),
        changes: damages,
      }),
      async run({ port, line, fields: some, many, end, body, changes }) {
        const head = [line, ...some, ...Array.from({ length: many }, (_, index) => `x-${index}: y`)]
        const whole = Buffer.from(`${head.join(end)}${end}${end}${body}`, 'latin1')
        const answer = await exchange(ports[port]!, damage(whole, changes), {
          withinMs: 8000,
          finish: true,
          isHead: false,
        })
        note(String(answer?.status ?? 'closed'))
        if (answer && answer.status >= 500 && ![501, 503, 505].includes(answer.status))
          throw new Error(`answers ${answer.status}\n${answer.body.toString().slice(0, 500)}`)
      },
    }
  },
})
