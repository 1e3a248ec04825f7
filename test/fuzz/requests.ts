import fc, { type Arbitrary } from 'fast-check'
import { bodyOf } from './json-bodies.ts'
import type { Row } from './row.ts'
import { oddText, text } from './values.ts'

/** One request, with `{name}` for the ids of fixtures. */
export interface Request {
  as: 'admin' | 'demo' | 'nobody'
  /** What findings are grouped by. */
  route: string
  /** Null where even a caller without a token may succeed. */
  guarded: boolean
  method: string
  /** Path and query, escaped. */
  url: string
  headers: [name: string, value: string][]
  body: string | Uint8Array | null
  chunked: boolean
}

export interface Grammar {
  rows: readonly Row[]
  /** Before each row's path. */
  prefixes: readonly string[]
  /** Segment before a parameter, or the parameter's name → fixtures that fit there. */
  fits: Readonly<Record<string, readonly string[]>>
  queryKeys: readonly string[]
  queryValues: readonly string[]
  headers: readonly (readonly [string, readonly string[]])[]
  /** Member names for bodies of rows without a schema. */
  members: readonly string[]
  /** True for rows that would end the run itself, such as deleting the caller. */
  skip?(row: Row): boolean
  /** True for requests that would take the run's own users away from all targets. */
  spares?(request: Request): boolean
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'COPY', 'PROPFIND']

/** Requests by a service's route table: mostly well formed, each part odd now and then. */
export function requestsOf(grammar: Grammar): Arbitrary<Request> {
  const rows = grammar.rows.filter((row) => !grammar.skip?.(row))
  return fc.oneof(...rows.map((row) => requestOf(row, grammar))).filter((request) => !grammar.spares?.(request))
}

function requestOf(row: Row, grammar: Grammar): Arbitrary<Request> {
  const methodsOf = [row.method].flat()
  return fc
    .record({
      as: fc.constantFrom('admin', 'admin', 'admin', 'demo', 'demo', 'nobody'),
      method: fc.oneof(
        { weight: 30, arbitrary: fc.constantFrom(...methodsOf) },
        { weight: 1, arbitrary: fc.constantFrom(...methods) },
      ),
      path: pathOf(row, grammar),
      query: queryOf(grammar),
      headers: headersOf(grammar),
      body: bodyOf(row, grammar.members, Object.values(grammar.fits).flat()),
      bodyAnyway: fc.integer({ min: 0, max: 30 }).map((dice) => dice === 0),
      type: fc.oneof(
        { weight: 20, arbitrary: fc.constant(row.stream ? 'application/octet-stream' : 'application/json') },
        {
          weight: 1,
          arbitrary: fc.constantFrom('', 'text/plain', 'application/xml', 'application/json; charset=utf-7'),
        },
      ),
      chunked: fc.integer({ min: 0, max: 20 }).map((dice) => dice === 0),
    })
    .map(({ as, method, path, query, headers, body, bodyAnyway, type, chunked }): Request => {
      const takesBody = ['POST', 'PUT', 'PATCH'].includes(method)
      const sent = takesBody || bodyAnyway ? body : null
      return {
        as: as as Request['as'],
        route: `${methodsOf.includes(method) ? methodsOf.join('|') : method} ${row.path}${row.action ? ` ${row.action}` : ''}`,
        guarded: row.policy !== null && methodsOf.includes(method),
        method,
        url: path + query,
        headers: [...(sent !== null && type !== '' ? [['content-type', type] as [string, string]] : []), ...headers],
        body: sent,
        chunked: sent !== null && chunked,
      }
    })
}

/** Percent-encodes what a request line cannot hold; lone surrogates become replacement characters. */
export const escapePart = (value: string): string =>
  encodeURIComponent(value.toWellFormed()).replaceAll('%7B', '{').replaceAll('%7D', '}')

function pathOf(row: Row, grammar: Grammar): Arbitrary<string> {
  const segments = row.path.split('/').map((segment, index, all): Arbitrary<string> => {
    if (!segment.startsWith(':') && segment !== '*') return fc.constant(segment)
    const name = segment.replace(/^:(\w+).*$/, '$1')
    const fits = grammar.fits[all[index - 1] ?? ''] ?? grammar.fits[name] ?? []
    const others = Object.values(grammar.fits).flat()
    return fc.oneof(
      ...(fits.length > 0 ? [{ weight: 12, arbitrary: fc.constantFrom(...fits.map((fit) => `{${fit}}`)) }] : []),
      ...(others.length > 0 ? [{ weight: 1, arbitrary: fc.constantFrom(...others.map((fit) => `{${fit}}`)) }] : []),
      { weight: 3, arbitrary: text.map(escapePart) },
      { weight: 1, arbitrary: fc.constantFrom('%', '%00', '%ff', '%c0%80', '%zz', '%2e%2e', '..', ';a=b') },
    )
  })
  const trailing = fc.constantFrom('', '', '', '', '', '', '', '/', '//', '.json')
  return fc
    .tuple(fc.constantFrom(...grammar.prefixes), fc.tuple(...segments), trailing)
    .map(([prefix, parts, end]) => prefix + parts.join('/') + end)
}

export function queryOf(grammar: Pick<Grammar, 'queryKeys' | 'queryValues'>): Arbitrary<string> {
  const key = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...grammar.queryKeys) },
    { weight: 1, arbitrary: oddText },
  )
  const value = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...grammar.queryValues) },
    { weight: 3, arbitrary: text },
    { weight: 1, arbitrary: fc.constantFrom('-1', '0', '1', '2', '1000', '1001', '4294967296', '1.5') },
  )
  const pair = fc.tuple(key, value).map(([name, content]) => `${escapePart(name)}=${escapePart(content)}`)
  const odd = fc.constantFrom('=', '&&', 'a', '%', '%zz=%zz', 'limit', '%00=1', 'a[b]=c', 'a[]=1&a[]=2')
  return fc
    .array(fc.oneof({ weight: 15, arbitrary: pair }, { weight: 1, arbitrary: odd }), { maxLength: 4 })
    .map((pairs) => (pairs.length === 0 ? '' : `?${pairs.join('&')}`))
}

export function headersOf(grammar: Pick<Grammar, 'headers'>): Arbitrary<[string, string][]> {
  const known = fc
    .constantFrom(...grammar.headers)
    .chain(([name, values]) =>
      fc.tuple(
        fc.constant(name),
        fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...values) }, { weight: 2, arbitrary: text.map(headerText) }),
      ),
    )
  return fc.array(known, { maxLength: 3 })
}

/** A text as it may stand in a header, as UTF-8. */
export const headerText = (value: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: such bytes would end the header, or the request
  Buffer.from(value.toWellFormed().replace(/[\u0000-\u0008\u000a-\u001f\u007f]/g, ''))
    .toString('latin1')
    .trim()

/** Headers that every service may meet. */
export const generalHeaders: [string, string[]][] = [
  ['x-auth-token', ['{demoToken}', '{adminToken}x', 'hth.a.b.c', 'gAAAAA', '']],
  ['x-service-token', ['{demoToken}', '{adminToken}', 'x']],
  ['accept', ['application/json', 'text/html', 'text/plain', '*/*', 'application/xml', 'a;q=x, application/json;q=0']],
  [
    'content-type',
    ['application/json', 'text/plain', 'multipart/form-data; boundary=x', 'application/json;charset=utf-16'],
  ],
  ['x-forwarded-host', ['a.example', 'a b', '[::1', '"><script>']],
  ['x-forwarded-proto', ['https', 'javascript']],
  ['host', ['127.0.0.1', '[::1]:80', 'a..b', '*', 'é']],
  ['x-openstack-request-id', ['req-00000000-0000-0000-0000-000000000000', 'x']],
  ['cookie', ['a=b']],
  ['content-encoding', ['gzip', 'identity', 'br']],
  ['accept-encoding', ['gzip', '*;q=0']],
  ['range', ['bytes=0-0', 'bytes=-1', 'bytes=5-2', 'bytes=0-,0-,0-,0-', 'bytes=99999999999999999999-']],
]
