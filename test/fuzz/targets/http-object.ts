import fc, { type Arbitrary } from 'fast-check'
import { type Fixture, openFixtures } from '../fixtures.ts'
import { httpSession } from '../http-session.ts'
import { escapePart, generalHeaders, headersOf, queryOf, type Request } from '../requests.ts'
import { define } from '../target.ts'
import { bytes, json, jsonText, text } from '../values.ts'

const containers = ['plain', 'public', 'segments', 'versioned', 'website', 'missing']
const objects = ['a', 'a/b', 'big', 'slo', 'dlo', 'link', 'loop', 'back', 'index.html', 'none']

/** All that stands in the account; made again when the container that is looked at is gone. */
const account = (name: string, as: Fixture['as']): Fixture => ({
  ...{ name, as, at: '/plain' },
  async make(client) {
    const put = async (path: string, body = '', headers: Record<string, string> = {}): Promise<void> => {
      await client.must('object', 'PUT', path, { body, headers: { 'content-type': 'text/plain', ...headers } })
    }
    for (const container of containers.slice(0, 5)) await put(`/${container}`)
    await put('/public', '', { 'x-container-read': '.r:*,.rlistings' })
    await put('/versioned', '', { 'x-versions-location': 'segments' })
    await put('/website', '', { 'x-container-meta-web-index': 'index.html', 'x-container-meta-web-listings': 'true' })
    for (const container of ['plain', 'public', 'versioned', 'website'])
      for (const object of ['a', 'a/b', 'index.html']) await put(`/${container}/${object}`, 'content')
    await put('/plain/big', 'x'.repeat(100_000))
    await put('/segments/a', 'content')
    await put('/plain/slo?multipart-manifest=put', JSON.stringify([{ path: '/segments/a' }, { path: '/plain/big' }]))
    await put('/plain/dlo', '', { 'x-object-manifest': 'segments/a' })
    await put('/plain/link', '', { 'x-symlink-target': 'plain/a', 'content-type': 'application/symlink' })
    await put('/plain/loop', '', { 'x-symlink-target': 'plain/back', 'content-type': 'application/symlink' })
    await put('/plain/back', '', { 'x-symlink-target': 'plain/loop', 'content-type': 'application/symlink' })
    await client.must('object', 'POST', '', { headers: { 'x-account-meta-temp-url-key': 'key' } })
    return `AUTH_${client.projectId}`
  },
})

const queryKeys = [
  ...[
    'format',
    'prefix',
    'delimiter',
    'marker',
    'end_marker',
    'limit',
    'path',
    'reverse',
    'multipart-manifest',
    'version-id',
  ],
  ...['bulk-delete', 'extract-archive', 'symlink', 'versions', 'version_marker', 'states', 'part-number', 'heartbeat'],
  ...['temp_url_sig', 'temp_url_expires', 'temp_url_prefix', 'temp_url_ip_range', 'filename', 'inline', 'ignore-range'],
  ...['policy', 'acl', 'async', 'swiftinfo_sig', 'swiftinfo_expires'],
]
const queryValues = [
  ...[
    'json',
    'xml',
    'plain',
    'a',
    '/',
    '1',
    '0',
    '10001',
    'put',
    'get',
    'delete',
    'tar',
    'tar.gz',
    'tar.bz2',
    'true',
    'on',
  ],
  ...['null', '4102444800', '0', 'a'.repeat(40), 'sha512:YQ', '2100-01-01T00:00:00Z', '127.0.0.1', '10.0.0.0/33', ''],
]

const headers: [string, string[]][] = [
  ...generalHeaders,
  // Nothing that opens a container to everybody: what an anonymous caller gets must be refused.
  ['x-container-read', ['.r:-a.example,.rlistings', '*:*', '{demoProject}:*', 'a,b', '.r:', '.x:y']],
  ['x-container-write', ['*:*', 'member', '{adminUser}']],
  ['x-container-meta-quota-bytes', ['1', '-1', 'x', '1e3']],
  ['x-container-meta-temp-url-key', ['key']],
  ['x-container-sync-to', ['http://127.0.0.1:1/v1/a/b', '//realm/x/a/b']],
  ['x-versions-enabled', ['true', 'false', 'x']],
  ['x-versions-location', ['plain', 'a/b', '%']],
  ['x-history-location', ['plain']],
  ['x-storage-policy', ['Policy-0', 'x']],
  ['x-remove-container-read', ['x']],
  ['x-account-meta-a', ['b', 'é']],
  ['x-account-access-control', ['{"admin":["a"]}', '{', '{}', '[]', 'null', '{"__proto__":[]}']],
  ['x-account-meta-quota-bytes', ['1', 'x']],
  ['x-object-meta-a', ['b', 'é', 'x'.repeat(257)]],
  ['x-object-manifest', ['segments/', 'a', '%zz/b', 'a/b?c']],
  ['x-symlink-target', ['plain/a', 'a', '/', 'plain/loop', '%00/a', 'x/y/../z']],
  ['x-symlink-target-account', ['{adminAccount}', 'x/y', 'AUTH_x']],
  ['x-symlink-target-etag', ['x', '"a"']],
  ['x-copy-from', ['/plain/a', 'plain/big', '/plain/slo', '{adminAccount}/x', '/', 'a', '/%00/x', '/plain/link']],
  ['x-copy-from-account', ['{adminAccount}', 'a/b', '%2f']],
  ['x-fresh-metadata', ['true', 'x']],
  ['destination', ['/plain/copy', 'plain', '/', 'a/b/c', '%ff/x']],
  ['destination-account', ['{adminAccount}', 'x/y']],
  ['x-delete-at', ['1', '4102444800', 'x', '-1', '99999999999999999999', '1.5']],
  ['x-delete-after', ['1', '-1', 'x', '99999999999999999999']],
  ['x-timestamp', ['1', 'x', '9999999999.99999', '-1', '1.1_ff']],
  ['x-newest', ['true']],
  ['if-match', ['*', '"a"', 'x,y', '"']],
  ['if-none-match', ['*', '"a"', 'x']],
  ['if-modified-since', ['Sat, 01 Jan 2000 00:00:00 GMT', 'x', '1']],
  ['if-unmodified-since', ['Sat, 01 Jan 2000 00:00:00 GMT', 'x']],
  ['if-range', ['x', 'Sat, 01 Jan 2000 00:00:00 GMT']],
  ['range', ['bytes=0-0,2-2', 'bytes=-0', 'bytes=1-', 'bytes=a-b', `bytes=${'0-1,'.repeat(60)}5-6`, 'items=0-1']],
  ['etag', ['d41d8cd98f00b204e9800998ecf8427e', '"x"', '']],
  ['content-type', ['text/plain', 'multipart/form-data; boundary=abc', 'application/octet-stream;swift_bytes=5', '']],
  ['content-disposition', ['attachment', 'a\tb']],
  ['origin', ['http://a.example', 'null', '*']],
  ['access-control-request-method', ['GET', 'x']],
  ['access-control-request-headers', ['a,b', '(']],
  ['x-detect-content-type', ['true']],
  ['x-backend-storage-policy-index', ['1', 'x']],
  ['referer', ['http://a.example/', '://', 'x']],
  ['transfer-encoding', ['gzip, chunked', 'identity']],
  ['x-trans-id-extra', ['x'.repeat(40)]],
  ['x_auth_token', ['{adminToken}x']],
]

const form = (name: string, value: string): string =>
  `--abc\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`

const bodies: Arbitrary<string | Uint8Array> = fc.oneof(
  { weight: 3, arbitrary: bytes },
  { weight: 1, arbitrary: fc.constant('') },
  { weight: 2, arbitrary: json.map(jsonText) },
  {
    weight: 2,
    arbitrary: fc
      .array(
        fc.record(
          {
            path: fc.oneof(fc.constantFrom('/segments/a', '/plain/big', '/plain/slo', 'a', '/a'), json),
            etag: fc.oneof(fc.constantFrom(null, 'x'), json),
            size_bytes: fc.oneof(fc.constantFrom(7, '7', -1), json),
            range: fc.oneof(fc.constantFrom('0-1', '-1', '5-', '0-1,2-3'), json),
            data: fc.oneof(fc.constantFrom('YQ==', '!', ''), json),
          },
          { requiredKeys: [] },
        ),
        { maxLength: 4 },
      )
      .map(jsonText),
  },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.oneof(fc.constantFrom('plain/a', '/plain', '%ff', ''), text))
      .map((lines) => lines.join('\n')),
  },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.tuple(text, text), { maxLength: 4 })
      .map((pairs) => pairs.map(([n, v]) => form(n, v)).join('')),
  },
)

const segment = (known: readonly string[]): Arbitrary<string> =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...known) },
    { weight: 1, arbitrary: text.map(escapePart) },
    { weight: 1, arbitrary: fc.constantFrom('%', '%00', '%ff', '..', '%2f', 'é') },
  )

const path = fc
  .tuple(
    fc.oneof(
      { weight: 8, arbitrary: fc.constant('/v1/{demoAccount}') },
      { weight: 3, arbitrary: fc.constant('/v1/{adminAccount}') },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          '/v1/AUTH_x',
          '/v1/.shard',
          '/v1.0/{demoAccount}',
          '/v2/{demoAccount}',
          '/v1',
          '/info',
        ),
      },
    ),
    fc.option(segment(containers), { freq: 8 }),
    fc.option(segment(objects), { freq: 4 }),
    fc.constantFrom('', '', '', '', '/'),
  )
  .map(([root, container, object, end]) => {
    const parts = container === null ? [] : object === null ? [container] : [container, object]
    return [root, ...parts].join('/') + end
  })

const requests: Arbitrary<Request> = fc
  .record({
    as: fc.constantFrom<Request['as']>('admin', 'demo', 'demo', 'demo', 'nobody'),
    method: fc.constantFrom(
      'GET',
      'GET',
      'GET',
      'HEAD',
      'PUT',
      'PUT',
      'POST',
      'POST',
      'DELETE',
      'COPY',
      'OPTIONS',
      'PATCH',
    ),
    path,
    query: queryOf({ queryKeys, queryValues }),
    headers: headersOf({ headers }),
    body: bodies,
    chunked: fc.constantFrom(false, false, false, true),
  })
  .map(({ as, method, path: where, query, headers: sent, body, chunked }): Request => {
    const takesBody = ['PUT', 'POST'].includes(method)
    const odd = sent.some(([name]) => name === 'transfer-encoding')
    const depth = where.replace(/\/$/, '').split('/').length - 2
    return {
      as,
      route: `${method} ${['outside', 'account', 'container', 'object'][Math.min(Math.max(depth, 0), 3)]}`,
      // Reports of bulk requests have the status within.
      guarded:
        where.startsWith('/v1/{') && !/\/public(\/|$)/.test(where) && !/[?&](bulk-delete|extract-archive)/.test(query),
      ...{ method, url: where + query, headers: sent },
      body: takesBody && !odd ? body : null,
      chunked: takesBody && !odd && chunked,
    }
  })

export const target = define({
  surface: 'suite',
  memoryMiB: 600,
  async open(place) {
    const fixtures = await openFixtures(place!, 'object', [
      account('demoAccount', 'demo'),
      account('adminAccount', 'admin'),
    ])
    return httpSession(requests, {
      url: place!.urls.object,
      fixtures,
      adminOnly: [],
      checkError(answer) {
        if (!answer.headers.has('x-trans-id')) throw new Error('no X-Trans-Id')
      },
    })
  },
})
