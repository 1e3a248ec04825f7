import { createHash, randomBytes } from 'node:crypto'
import { inflateSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { BackupRow } from '../../model/backups/store.ts'
import { isZero, packChunk, unpackObject } from './chunk.ts'
import { openChunkWorkers } from './chunk-workers.ts'
import { cutStream } from './cut.ts'
import { blockBytes, objectName, readHashes, readMetadata, writeHashes, writeMetadata } from './format.ts'

const backup = {
  id: 'b1',
  volume_id: 'v1',
  name: 'näme',
  description: null,
  parent_id: null,
  created_at: Date.UTC(2026, 0, 2, 3, 4, 5),
} as BackupRow
const meta = { version: 2, 'volume-base-metadata': {}, 'volume-metadata': { a: 'b' }, 'volume-glance-metadata': {} }
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

test('the metadata document has the members, order and spelling of the chunked format', () => {
  const object = { name: objectName('p', 1), offset: 0, length: 5, compression: 'zlib', md5: 'm' }
  const bytes = writeMetadata(backup, [object], meta)
  expect(Buffer.from(bytes).toString('latin1')).toBe(`{
  "backup_description": null,
  "backup_id": "b1",
  "backup_name": "n\\u00e4me",
  "created_at": "2026-01-02 03:04:05.000000+00:00",
  "objects": [
    {
      "p-00001": {
        "compression": "zlib",
        "length": 5,
        "md5": "m",
        "offset": 0
      }
    }
  ],
  "parent_id": null,
  "version": "1.0.0",
  "volume_id": "v1",
  "volume_meta": ${JSON.stringify(JSON.stringify(meta))}
}`)
  expect(readMetadata(bytes)).toEqual({ objects: [object], volumeMeta: meta })
})

test('the hash document tells the block size and one hash for each block', () => {
  const bytes = writeHashes(backup, ['x', 'y'])
  expect(JSON.parse(Buffer.from(bytes).toString())).toMatchObject({
    version: '1.0.0',
    chunk_size: 32768,
    volume_id: 'v1',
  })
  expect(readHashes(bytes)).toEqual({ blockBytes, sha256s: ['x', 'y'] })
})

test('a document of another version is refused', () => {
  expect(() => readMetadata(Buffer.from('{"version": "2.0.0"}'))).toThrow('format 2.0.0')
})

test('a full chunk is one zlib object with the md5 of its plain bytes', () => {
  const chunk = Buffer.concat([Buffer.alloc(blockBytes, 'ab'), Buffer.alloc(blockBytes), Buffer.from('tail')])
  const { sha256s, extents } = packChunk(chunk, { compression: 'zlib', before: null })
  expect(sha256s).toEqual([0, 1, 2].map((n) => sha256(chunk.subarray(n * blockBytes, (n + 1) * blockBytes))))
  expect(extents).toHaveLength(1)
  const [extent] = extents
  expect(extent).toMatchObject({ offset: 0, length: chunk.length, compression: 'zlib' })
  expect(extent!.md5).toBe(createHash('md5').update(chunk).digest('hex'))
  expect(inflateSync(extent!.data).equals(chunk)).toBe(true)
})

test('bytes that do not shrink are stored as they are', () => {
  const chunk = randomBytes(16 * blockBytes)
  const [extent] = packChunk(chunk, { compression: 'zlib', before: null }).extents
  expect(extent).toMatchObject({ compression: 'none', length: chunk.length })
  expect(Buffer.from(extent!.data).equals(chunk)).toBe(true)
})

test('with hashes to build on, only runs of changed blocks are stored', () => {
  const before = Buffer.alloc(6 * blockBytes, 'x')
  const { sha256s } = packChunk(before, { compression: 'none', before: null })
  const after = Buffer.from(before)
  for (const block of [1, 2, 5]) after[block * blockBytes + 7] = 0
  const { extents } = packChunk(after, { compression: 'none', before: sha256s })
  expect(extents.map(({ offset, length }) => [offset, length])).toEqual([
    [blockBytes, 2 * blockBytes],
    [5 * blockBytes, blockBytes],
  ])
})

test('an object that was changed in its store is not taken for the bytes saved', () => {
  const [extent] = packChunk(Buffer.from('hello'), { compression: 'none', before: null }).extents
  expect(() => unpackObject(Buffer.from('hallo'), extent!)).toThrow('checksum')
  expect(() => unpackObject(Buffer.from('hell'), extent!)).toThrow('4 bytes in place of 5')
})

test('zeros are told from anything else, whatever the length', () => {
  const bytes = new Uint8Array(3 * blockBytes + 5)
  expect(isZero(bytes)).toBe(true)
  bytes[bytes.length - 1] = 1
  expect(isZero(bytes)).toBe(false)
})

test('a stream is cut into chunks of the size asked for, the last one shorter', async () => {
  const bytes = randomBytes(100_000)
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += 33_000) yield bytes.subarray(at, at + 33_000)
  }
  const chunks: Buffer[] = []
  await cutStream(pieces(), 40_000, async (chunk) => void chunks.push(Buffer.from(chunk)))
  expect(chunks.map(({ length }) => length)).toEqual([40_000, 40_000, 20_000])
  expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
})

test('an error of the taker ends the cutting', async () => {
  async function* pieces() {
    for (;;) yield Buffer.alloc(1000)
  }
  const cut = cutStream(pieces(), 1500, async () => {
    throw new Error('enough')
  })
  await expect(cut).rejects.toThrow('enough')
})

test('worker threads pack and unpack to the same bytes and name what is broken', async () => {
  const workers = openChunkWorkers(2)
  const chunk = new Uint8Array(10 * blockBytes).fill(7)
  const expected = Buffer.from(chunk)
  const { extents, sha256s } = await workers.pack(chunk, { compression: 'zlib', before: null })
  expect(sha256s).toHaveLength(10)
  const bad = workers.unpack(Buffer.from(extents[0]!.data), { ...extents[0]!, md5: '0' })
  await expect(bad).rejects.toMatchObject({ kind: 'failed', message: 'its checksum is wrong' })
  const bytes = await workers.unpack(extents[0]!.data, extents[0]!)
  expect(expected.equals(bytes)).toBe(true)
  await workers.close()
})
