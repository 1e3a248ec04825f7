import fc from 'fast-check'
import { formPost } from '../../../packages/swift/src/proxy/features/form-post/feature.ts'
import { headerText } from '../requests.ts'
import { answerOrRefusal, drain, proxyDeps, requestOf } from '../swift-request.ts'
import { define } from '../target.ts'
import { bytes, damage, damages, inPieces, oddText, pieceSizes, text } from '../values.ts'

const names = [
  'redirect',
  'max_file_size',
  'max_file_count',
  'expires',
  'signature',
  'file',
  'x_delete_at',
  '__proto__',
  '',
]

const part = fc.record({
  name: fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: oddText }),
  filename: fc.oneof(
    { weight: 3, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constantFrom('a', '', '../x', '"') },
  ),
  headers: fc.array(fc.tuple(fc.constantFrom('content-type', 'content-encoding', 'x', ''), text.map(headerText)), {
    maxLength: 3,
  }),
  body: fc.oneof(
    fc.constantFrom('1', '10', '4102444800', 'x').map((word) => new Uint8Array(Buffer.from(word))),
    bytes,
  ),
})

type Part = typeof part extends fc.Arbitrary<infer T> ? T : never

function encode({ name, filename, headers, body }: Part, boundary: string): Buffer {
  const more = headers.map(([key, value]) => `\r\n${key}: ${value}`).join('')
  const file = filename === null ? '' : `; filename="${filename}"`
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}${more}\r\n\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), body, Buffer.from('\r\n')])
}

/** Forms that browsers send: fields, files, and what stands around them. */
export const target = define({
  surface: 'process',
  memoryMiB: 400,
  open: async () => ({
    cases: fc.record({
      boundary: fc.oneof(
        fc.constantFrom('abc', '-', '"a b"', '', 'x'.repeat(70), 'x'.repeat(5000)),
        oddText.map(headerText),
      ),
      preamble: fc.oneof({ weight: 3, arbitrary: fc.constant(new Uint8Array()) }, { weight: 1, arbitrary: bytes }),
      parts: fc.array(part, { maxLength: 8 }),
      end: fc.constantFrom('--\r\n', '', '\r\n', '-'),
      changes: damages,
      sizes: pieceSizes,
    }),
    async run({ boundary, preamble, parts, end, changes, sizes }) {
      const mark = boundary.replaceAll('"', '')
      const whole = Buffer.concat([
        preamble,
        ...parts.map((one) => encode(one, mark)),
        Buffer.from(`--${mark}${end}`, 'latin1'),
      ])
      const next = async () => ({ status: 404, headers: {} })
      const request = requestOf({
        method: 'POST',
        object: null,
        query: {},
        headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
        body: inPieces(damage(whole, changes), sizes),
      })
      const answer = await answerOrRefusal(() => formPost.wrap(next, proxyDeps)(request))
      if (answer.status >= 500) throw new Error(`answers ${answer.status}`)
      await drain(answer)
    },
  }),
})
