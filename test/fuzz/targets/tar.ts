import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { bulkUpload } from '../../../packages/swift/src/proxy/features/bulk/feature.ts'
import { answerOrRefusal, drain, proxyDeps, requestOf } from '../swift-request.ts'
import { define } from '../target.ts'
import { bytes, damage, damages, inPieces, oddText, pieceSizes } from '../values.ts'

const sizes = [
  '',
  '0',
  '7',
  '00000000010',
  '77777777777',
  '\x80\0\0\0\0\0\0\0\0\0\0\x10',
  `\xff${'\xff'.repeat(11)}`,
  '9',
  '-1',
  ' 5 ',
]

const entry = fc.record({
  name: fc.oneof(fc.constantFrom('a', 'c/a', 'c/d/e', './a', '/a', 'c/', ''), oddText),
  size: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.constantFrom(...sizes) }),
  type: fc.constantFrom('0', '0', '0', '\0', '1', '2', '5', 'x', 'x', 'g', 'L', 'K', 'S', 'V', 'D', '7', 'Z'),
  magic: fc.constantFrom('ustar\x0000', 'ustar  \0', '\0\0\0\0\0\0\0\0'),
  prefix: fc.constantFrom('', '', 'c', '\xff'),
  body: fc.oneof(
    bytes,
    fc
      .array(fc.tuple(fc.constantFrom('path', 'size', 'mtime', 'SCHILY.xattr.user.a', '__proto__', 'x'), oddText), {
        maxLength: 3,
      })
      .map((pairs) => new Uint8Array(Buffer.from(pairs.map(paxLine).join('')))),
    fc
      .constantFrom('0 a=b\n', '99 a=b\n', '-5 a=b\n', 'x', '5 a=', '1e9 a=b\n', '6  =\n')
      .map((line) => new Uint8Array(Buffer.from(line))),
  ),
  goodChecksum: fc.integer({ min: 0, max: 20 }).map((dice) => dice > 0),
})

function paxLine([key, value]: readonly [string, string]): string {
  const rest = ` ${key}=${value}\n`
  const length = Buffer.byteLength(rest)
  const digits = String(length + String(length).length).length
  return `${length + digits}${rest}`
}

type Entry = typeof entry extends fc.Arbitrary<infer T> ? T : never

function encode({ name, size, type, magic, prefix, body, goodChecksum }: Entry): Buffer {
  const block = Buffer.alloc(512)
  block.write(name, 0, 100)
  block.write('0000644\0', 100)
  block.write(size ?? body.length.toString(8).padStart(11, '0'), 124, 12, 'latin1')
  block.write('        ', 148)
  block.write(type, 156, 'latin1')
  block.write(magic, 257, 'latin1')
  block.write(prefix, 345, 155, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0) + (goodChecksum ? 0 : 1)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([block, body, Buffer.alloc((512 - (body.length % 512)) % 512)])
}

/** Archives that are uploaded and unpacked, plain and zipped. */
export const target = define({
  surface: 'process',
  memoryMiB: 400,
  open: async () => ({
    cases: fc.record({
      entries: fc.array(entry, { maxLength: 6 }),
      changes: damages,
      zipped: fc.boolean(),
      zipChanges: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: damages }),
      sizes: pieceSizes,
    }),
    async run({ entries, changes, zipped, zipChanges, sizes: pieces }) {
      const plain = damage(Buffer.concat([...entries.map(encode), Buffer.alloc(1024)]), changes)
      const whole = zipped ? damage(gzipSync(plain), zipChanges) : plain
      const next = async (request: Parameters<Parameters<typeof bulkUpload.wrap>[0]>[0]) => {
        await drain(request.body)
        return { status: request.method === 'PUT' ? 201 : 204, headers: {} }
      }
      const request = requestOf({
        method: 'PUT',
        object: null,
        query: { 'extract-archive': zipped ? 'tar.gz' : 'tar' },
        headers: { accept: 'application/json' },
        body: inPieces(whole, pieces),
      })
      const owner = { ...request, identity: { roles: ['member'] } as never }
      const answer = await answerOrRefusal(() => bulkUpload.wrap(next, proxyDeps)(owner))
      if (answer.status >= 500) throw new Error(`answers ${answer.status}`)
      await drain(answer)
    },
  }),
})
