import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openRunner, quietLog } from '@hearth/driver'
import { afterAll, describe, expect, test } from 'vitest'
import { chainOf, type Format, type FoundFile, type FoundVolume } from './chain.ts'
import { parseInfo } from './info-file.ts'
import { headerBytes, parseQcow2 } from './qcow2.ts'

const run = openRunner({ log: quietLog })
const folder = await mkdtemp(join(tmpdir(), 'hearth-nfs-chain-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

const mib = 1024 ** 2

/** The first bytes of a file that qemu-img makes with these arguments. */
async function made(name: string, ...args: string[]): Promise<FoundFile> {
  const path = join(folder, name)
  await run(['qemu-img', 'create', '-q', '-f', 'qcow2', ...args, path, '64M'])
  const bytes = await readFile(path)
  return { sizeBytes: bytes.length, head: bytes.subarray(0, headerBytes) }
}

const raw = (sizeBytes: number, content = ''): FoundFile => ({ sizeBytes, head: Buffer.from(content) })

function volumeOf(files: Record<string, FoundFile>, info: object | null, format: Format): FoundVolume {
  const parsed = info && parseInfo('volume-1', JSON.stringify(info))
  return { name: 'volume-1', files: new Map(Object.entries(files)), info: parsed, format }
}

const overlaid = { active: 'volume-1.s1', s1: 'volume-1.s1' }

describe('headers that qemu-img writes are parsed', () => {
  test('a file without a backing file', async () => {
    const { head } = await made('plain')
    const expected = { virtualSize: 64 * mib, backingFile: null, backingFormat: null, externalData: false }
    expect(parseQcow2('plain', head)).toEqual(expected)
  })

  test.each(['compat=0.10', 'compat=1.1'])('an overlay, %s', async (compat) => {
    const { head } = await made('overlay', '-o', compat, '-u', '-F', 'raw', '-b', 'volume-1')
    expect(parseQcow2('overlay', head)).toMatchObject({ backingFile: 'volume-1', backingFormat: 'raw' })
  })

  test('a file that keeps its bytes in another file', async () => {
    const { head } = await made('external', '-o', `data_file=${join(folder, 'data')}`)
    expect(parseQcow2('external', head)).toMatchObject({ externalData: true })
  })

  test('a file that is not qcow2 gives null', () => {
    expect(parseQcow2('x', Buffer.alloc(headerBytes))).toBe(null)
    expect(parseQcow2('x', Buffer.alloc(0))).toBe(null)
  })
})

describe('a chain', () => {
  test('leads from the active overlay down to the raw file', async () => {
    const files = {
      'volume-1': raw(64 * mib),
      'volume-1.s1': await made('s1', '-u', '-F', 'raw', '-b', 'volume-1'),
      'volume-1.s2': await made('s2', '-u', '-F', 'qcow2', '-b', 'volume-1.s1'),
    }
    const info = { active: 'volume-1.s2', s1: 'volume-1.s1', s2: 'volume-1.s2' }
    expect(chainOf(volumeOf(files, info, 'raw'))).toEqual([
      { file: 'volume-1.s2', format: 'qcow2', virtualSize: 64 * mib },
      { file: 'volume-1.s1', format: 'qcow2', virtualSize: 64 * mib },
      { file: 'volume-1', format: 'raw', virtualSize: 64 * mib },
    ])
  })

  test('of a raw volume is raw, whatever a guest has written at its beginning', async () => {
    const forged = await made('forged', '-u', '-F', 'raw', '-b', '/etc/passwd')
    const files = { 'volume-1': { sizeBytes: 64 * mib, head: forged.head } }
    expect(chainOf(volumeOf(files, null, 'raw'))).toEqual([{ file: 'volume-1', format: 'raw', virtualSize: 64 * mib }])
  })

  const elsewhere = [
    '/etc/passwd',
    '../volume-1',
    './volume-1',
    'volume-2',
    'volume-1.info',
    'volume-1.s1/x',
    'json:{"driver":"raw","file":{"driver":"file","filename":"/etc/passwd"}}',
    'nbd://127.0.0.1/x',
  ]
  test.each(elsewhere)('that leads to %s is refused', async (backing) => {
    const files = { 'volume-1': raw(mib), 'volume-1.s1': await made('bad', '-u', '-F', 'raw', '-b', backing) }
    expect(() => chainOf(volumeOf(files, overlaid, 'raw'))).toThrow(expect.objectContaining({ kind: 'invalid' }))
  })

  test('with a base that has a backing file is refused, even when that is its own overlay', async () => {
    for (const backing of ['/etc/passwd', 'volume-1.s1']) {
      const files = { 'volume-1': await made('base', '-u', '-F', 'qcow2', '-b', backing) }
      expect(() => chainOf(volumeOf(files, null, 'qcow2'))).toThrow(expect.objectContaining({ kind: 'invalid' }))
    }
  })

  test('that ends in itself is refused', async () => {
    const files = { 'volume-1.s1': await made('loop', '-u', '-F', 'qcow2', '-b', 'volume-1.s1') }
    expect(() => chainOf(volumeOf(files, overlaid, 'qcow2'))).toThrow('its own backing file')
  })

  test('with an overlay that leaves the format of a raw layer open, or states qcow2, is refused', async () => {
    const wrong = await made('wrong', '-u', '-F', 'qcow2', '-b', 'volume-1')
    // The extension that names the format becomes the end of all extensions.
    const silent = Buffer.from(wrong.head)
    silent.write('\0\0\0\0\0\0\0\0', silent.indexOf(Buffer.from('e2792aca', 'hex')), 'latin1')
    for (const head of [wrong.head, silent]) {
      const files = { 'volume-1': raw(64 * mib), 'volume-1.s1': { sizeBytes: head.length, head } }
      expect(() => chainOf(volumeOf(files, overlaid, 'raw'))).toThrow(expect.objectContaining({ kind: 'invalid' }))
    }
  })

  test('with a data file, an absent layer, or a base that is not qcow2 is refused', async () => {
    const external = { 'volume-1': await made('ext', '-o', `data_file=${join(folder, 'data2')}`) }
    expect(() => chainOf(volumeOf(external, null, 'qcow2'))).toThrow('in another file')
    const absent = { 'volume-1.s1': await made('lone', '-u', '-F', 'raw', '-b', 'volume-1') }
    expect(() => chainOf(volumeOf(absent, overlaid, 'raw'))).toThrow('volume-1 is missing')
    expect(() => chainOf(volumeOf({ 'volume-1': raw(mib) }, null, 'qcow2'))).toThrow('is not qcow2')
  })

  test('with a header that is cut off, or that claims more bytes than there are, is refused', async () => {
    const path = join(folder, 'cut')
    await made('cut', '-u', '-F', 'raw', '-b', 'volume-1')
    const file = await open(path, 'r+')
    const length = Buffer.alloc(4)
    length.writeUInt32BE(100_000)
    await file.write(length, 0, 4, 16)
    await file.close()
    const head = (await readFile(path)).subarray(0, headerBytes)
    expect(() => parseQcow2('cut', head)).toThrow(expect.objectContaining({ kind: 'invalid' }))
  })
})
