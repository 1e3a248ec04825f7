import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cloud, openCloud } from '../../../for-tests/cloud.ts'
import { dispositionOf, readParts } from './multipart.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await openCloud()
  await cloud.call('POST', '', { headers: { 'x-account-meta-temp-url-key': 'secret' } })
  await cloud.call('PUT', '/c')
})
afterAll(() => cloud.close())

const account = 'AUTH_ann-project'
const at = Math.floor(Date.now() / 1000) + 1000

const partOf = (name: string, value: string, filename?: string): string =>
  `--edge\r\nContent-Disposition: form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}\r\n\r\n${value}\r\n`

function signed(fields: { redirect?: string; size?: number; count?: number; path?: string }): string {
  const { redirect = '', size = 1000, count = 2, path = '/c/' } = fields
  const text = `/v1/${account}${path}\n${redirect}\n${size}\n${count}\n${at}`
  const signature = createHmac('sha256', 'secret').update(text).digest('hex')
  const values = { redirect, max_file_size: size, max_file_count: count, expires: at, signature }
  return Object.entries(values)
    .map(([name, value]) => partOf(name, String(value)))
    .join('')
}

async function post(body: string | ReadableStream, path = '/c/') {
  const headers = { 'content-type': 'multipart/form-data; boundary=edge' }
  const response = await cloud.call('POST', path, { user: null, account, headers, body })
  return { status: response.status, text: await response.text(), location: response.headers.get('location') }
}

/** A body that begins as given and is never ended. */
const unended = (begin: string, more = ''): ReadableStream =>
  new ReadableStream({
    start: (controller) => controller.enqueue(Buffer.from(begin)),
    async pull(controller) {
      if (more === '') await new Promise(() => undefined)
      controller.enqueue(Buffer.from(more))
    },
  })

test('parts come whole however the body is cut, and what is not read of one is skipped', async () => {
  const body = `\r\n${partOf('a', '1')}${partOf('big', 'x'.repeat(20_000), 'b')}${partOf('grün', '\r\n--edg')}--edge--\r\n`
  const bytes = Buffer.from(body)
  for (const length of [1, 1000, bytes.length]) {
    async function* pieces() {
      for (let from = 0; from < bytes.length; from += length) yield bytes.subarray(from, from + length)
    }
    const found: string[] = []
    for await (const part of readParts(pieces(), 'edge')) {
      const name = dispositionOf(part.headers.get('content-disposition')).get('name')!
      if (name === 'big') found.push(name)
      else found.push(name, Buffer.concat(await Array.fromAsync(part.data)).toString())
    }
    expect(found).toEqual(['a', '1', 'big', 'grün', '\r\n--edg'])
  }
})

test('a disposition is read in one pass, whatever it holds', () => {
  expect([...dispositionOf('form-data; name="a;b"; FileName=c d; name=x; __proto__=y')]).toEqual([
    ['name', 'a;b'],
    ['filename', 'c d'],
    ['__proto__', 'y'],
  ])
  expect([...dispositionOf(undefined)]).toEqual([])
})

test('a form whose body does not begin with the boundary is refused at its first bytes', async () => {
  const refused = { status: 400, text: 'FormPost: invalid starting boundary', location: null }
  expect(await post(unended('no boundary'))).toEqual(refused)
  expect(await post(unended(`--edg${'x'.repeat(100)}`))).toEqual(refused)
  expect(await post('')).toEqual(refused)
})

test('a form to an account without keys is refused before it is read', async () => {
  const headers = { 'content-type': 'multipart/form-data; boundary=edge' }
  const answer = await cloud.call('POST', '/c/', { user: null, account: 'AUTH_none', headers, body: unended('x') })
  expect([answer.status, await answer.text()]).toEqual([401, 'FormPost: Invalid Signature'])
})

test('headers, number and length of fields have limits', async () => {
  const text = (body: string | ReadableStream) => post(body).then((answer) => [answer.status, answer.text])
  const page = (text: string): unknown => expect.stringContaining(text)
  expect(await text(unended('--edge\r\nX-A: ', 'x'.repeat(10_000)))).toEqual([
    400,
    'FormPost: the headers of a part are too long',
  ])
  expect(await text(unended(partOf('a', '1').repeat(101)))).toEqual([400, page('more than 100 fields')])
  expect(await text(unended(`--edge\r\n\r\n${'x'.repeat(5000)}`))).toEqual([400, page('field  is too long')])
  expect(await text(unended(partOf('a', 'x'.repeat(4096)).repeat(17)))).toEqual([400, page('the fields are too long')])
  expect(await text(`${partOf('a', '1')}--edge`)).toEqual([400, 'FormPost: unexpected end of the form'])
})

test('only a signed redirect is followed', async () => {
  const evil = partOf('redirect', 'https://evil.example/')
  const file = partOf('f', 'data', 'one')
  for (const body of [evil, `${evil}${file}`, `${signed({})}${evil}${file}`])
    expect((await post(`${body}--edge--`)).location).toBeNull()
  const redirect = 'https://good.example/?a=b'
  const stored = await post(`${signed({ redirect })}${file}--edge--`)
  expect([stored.status, stored.location]).toEqual([303, `${redirect}&status=201&message=`])
  const late = await post(`${signed({ redirect })}${file}${evil}--edge--`)
  expect([late.status, late.location]).toEqual([303, `${redirect}&status=201&message=`])
  const empty = await post(`${signed({ redirect })}--edge--`)
  expect([empty.status, empty.location]).toEqual([303, `${redirect}&status=400&message=no%20files%20to%20process`])
})

test('fields after the first file do not change what was signed', async () => {
  const file = (name: string) => partOf('f', 'data', name)
  const more = partOf('max_file_count', '100')
  const answer = await post(`${signed({ count: 1 })}${file('first')}${more}${file('second')}--edge--`)
  expect([answer.status, answer.text]).toEqual([401, 'FormPost: Invalid Signature'])
  expect((await cloud.call('HEAD', '/c/first')).status).toBe(200)
  expect((await cloud.call('HEAD', '/c/second')).status).toBe(404)
})

test('a file over the signed size is refused, and nothing of it stays', async () => {
  const answer = await post(`${signed({ size: 10 })}${partOf('f', 'x'.repeat(100_000), 'large')}--edge--`)
  expect([answer.status, answer.text]).toEqual([413, expect.stringContaining('max_file_size exceeded')])
  expect((await cloud.call('HEAD', '/c/large')).status).toBe(404)
})

test('a form takes no part of its query for an order', async () => {
  const answer = await post(`${signed({})}${partOf('f', '[]', 'manifest')}--edge--`, '/c/?multipart-manifest=put')
  expect(answer.status).toBe(201)
  expect(await (await cloud.call('GET', '/c/manifest')).text()).toBe('[]')
})

test('a form that ends within a field is refused with 400', async () => {
  const { status, text } = await post(`${signed({})}${partOf('file', 'cut', 'name').slice(0, -6)}`)
  expect([status, text]).toEqual([400, expect.stringContaining('unexpected end of the form')])
  const { status: within } = await post(signed({}).slice(0, -12))
  expect(within).toBe(400)
})
