import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CallOptions, type Cloud, openCloud } from '../../../for-tests/cloud.ts'
import { readArchive } from './archive.ts'
import { readLines } from './lines.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await openCloud()
  await cloud.call('PUT', '/c')
})
afterAll(() => cloud.close())

const megabyte = 1024 * 1024

/** A block of 512 bytes that heads a tar entry. */
function header(name: string, size: number, type: string): Buffer {
  const block = Buffer.alloc(512)
  block.write(name, 0)
  block.write('0000644\0', 100)
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  block.write('        ', 148)
  block.write(type, 156)
  block.write('ustar\u000000', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

async function tarOf(entries: { name: string; body?: string; pax?: Record<string, string> }[]): Promise<Buffer> {
  const tar = pack()
  for (const { name, body = '', pax } of entries) tar.entry({ name, ...(pax ? { pax } : {}) }, body)
  tar.finalize()
  return Buffer.concat(await Array.fromAsync(tar as AsyncIterable<Buffer>))
}

async function unpack(
  format: string,
  body: Uint8Array | ReadableStream,
  options: CallOptions & { path?: string } = {},
) {
  const headers = { accept: 'application/json', ...options.headers }
  const path = `${options.path ?? ''}?extract-archive=${format}`
  return (await (await cloud.call('PUT', path, { ...options, headers, body })).json()) as Record<string, unknown>
}

async function* inPieces(bytes: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

test.each([['x'], ['g'], ['L'], ['K']])(
  'a header of type %s over 64 KiB is refused before it is read',
  async (type) => {
    const bytes = Buffer.concat([header('long', 3 * megabyte, type), Buffer.alloc(3 * megabyte)])
    let read = 0
    async function* counted() {
      for await (const piece of inPieces(bytes, 16 * 1024)) {
        read += piece.length
        yield piece
      }
    }
    await expect(async () => {
      for await (const _ of readArchive(counted(), false)) throw new Error('a file came')
    }).rejects.toThrow('a header is longer than 65536 bytes')
    expect(read).toBeLessThan(megabyte)
  },
)

test('more than 100 global headers are refused', async () => {
  const records = Array.from({ length: 101 }, (_, index) => `11 k${1000 + index}=v\n`).join('')
  const globals = Buffer.alloc(1536).fill(records, 0, records.length)
  const tar = Buffer.concat([header('g', records.length, 'g'), globals, Buffer.alloc(100_352)])
  await expect(Array.fromAsync(readArchive(inPieces(tar, 512), false))).rejects.toThrow('more than 100 global headers')
})

test('names and attributes of pax headers survive any cutting into pieces', async () => {
  const name = `grün/${'ü'.repeat(200)}`
  const tar = await tarOf([{ name, body: 'abc', pax: { 'SCHILY.xattr.user.meta.a': 'ß'.repeat(100) } }])
  for (const length of [1, 7, 511, 512, 100_000]) {
    const found: unknown[] = []
    for await (const file of readArchive(inPieces(tar, length), false)) {
      const body = Buffer.concat(await Array.fromAsync(file.body)).toString()
      found.push([file.path, file.attributes.get('SCHILY.xattr.user.meta.a'), body])
    }
    expect(found).toEqual([[name, 'ß'.repeat(100), 'abc']])
  }
})

test('what is not read of a file is skipped, and the next file is whole', async () => {
  const tar = await tarOf([
    { name: 'a', body: 'x'.repeat(300_000) },
    { name: 'b', body: 'second' },
  ])
  const bodies: string[] = []
  for await (const file of readArchive(inPieces(tar, 10_000), false)) {
    for await (const piece of file.body) {
      bodies.push(piece.subarray(0, 6).toString())
      break
    }
  }
  expect(bodies).toEqual(['xxxxxx', 'second'])
})

test('damaged and cut archives are a 400 that says so', async () => {
  const tar = await tarOf([{ name: 'a/b', body: 'x'.repeat(5000) }])
  const packed = gzipSync(tar)
  const damaged = Buffer.from(packed)
  damaged.fill(0xff, 20, 40)
  for (const [format, body] of [
    ['tar.gz', damaged],
    ['tar.gz', packed.subarray(0, packed.length - 20)],
    ['tar.gz', tar],
    ['tar', tar.subarray(0, 3000)],
    ['tar', packed],
  ] as const)
    expect(await unpack(format, body)).toMatchObject({
      'Response Status': '400 Bad Request',
      'Response Body': expect.stringMatching(/^Invalid Tar File: /),
    })
  expect((await cloud.call('PUT', '?extract-archive=tar.bz2', { body: tar })).status).toBe(400)
})

/** A body that never ends by itself, and records whether the client was read to the end. */
const endless = (): ReadableStream =>
  new ReadableStream({
    start(controller) {
      controller.enqueue(Buffer.concat([header('long', 2 ** 32, 'x'), Buffer.alloc(512)]))
    },
  })

test('who may not write is refused before the archive is read', async () => {
  const account = 'AUTH_ann-project'
  const status = async (path: string, user: string | null) =>
    (await unpack('tar', endless(), { path, user, account }))['Response Status']
  expect(await status('/c', null)).toBe('401 Unauthorized')
  expect(await status('', null)).toBe('401 Unauthorized')
  expect(await status('/c', 'bob')).toBe('403 Forbidden')
  expect(await status('', 'ann:reader')).toBe('403 Forbidden')
})

test('who may write by an access list unpacks into the container', async () => {
  await cloud.call('PUT', '/shared', { headers: { 'x-container-write': 'bob-project:bob-id' } })
  const options = { path: '/shared', user: 'bob', account: 'AUTH_ann-project' }
  expect(await unpack('tar', await tarOf([{ name: 'one', body: '1' }]), options)).toMatchObject({
    'Number Files Created': 1,
    'Response Status': '201 Created',
  })
  expect((await cloud.call('GET', '/shared/one')).status).toBe(200)
})

test('a file that is refused does not stop the ones after it', async () => {
  await cloud.call('PUT', '/full', { headers: { 'x-container-meta-quota-bytes': '10' } })
  const tar = await tarOf([
    { name: 'big', body: 'x'.repeat(100_000) },
    { name: 'bad', body: 'x', pax: { 'SCHILY.xattr.user.meta.a\nb': '1' } },
    { name: 'small', body: 'x', pax: { 'SCHILY.xattr.user.meta.a_b': '1', 'SCHILY.xattr.user.mime_type': 'a/b' } },
  ])
  expect(await unpack('tar', tar, { path: '/full' })).toMatchObject({
    'Number Files Created': 1,
    'Response Status': '400 Bad Request',
    Errors: [
      ['full/big', '413 Request Entity Too Large'],
      ['full/bad', '400 Bad Request'],
    ],
  })
  const small = await cloud.call('HEAD', '/full/small')
  expect([small.headers.get('content-type'), small.headers.get('x-object-meta-a-b')]).toEqual(['a/b', '1'])
})

test('a list of deletions is read line by line, with limits, and only for who has a token', async () => {
  const lines = (text: string, most = 10) => readLines(inPieces(Buffer.from(text), 3), most)
  expect(await lines('grün\r\n\n b/c \nlast')).toEqual(['grün', 'b/c', 'last'])
  await expect(lines('a\n'.repeat(11))).rejects.toThrow('413')
  await expect(lines('a'.repeat(8000))).rejects.toThrow('400')
  const body = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('c/o\n')) })
  const answer = await cloud.call('POST', '?bulk-delete', { user: null, body, headers: { accept: 'application/json' } })
  expect(await answer.json()).toMatchObject({ 'Number Deleted': 0, 'Response Status': '401 Unauthorized' })
})

test('a folder that claims a size has no body all the same, and what follows it is read', async () => {
  const file = Buffer.concat([header('a', 0, '0'), Buffer.alloc(1024)])
  const names: string[] = []
  for await (const { path } of readArchive(inPieces(Buffer.concat([header('folder/', 9, '5'), file]), 512), false))
    names.push(path)
  expect(names).toEqual(['a'])
})
