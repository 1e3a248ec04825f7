import fc from 'fast-check'
import { parseRange } from '../../../packages/glance/src/api/images/range.ts'
import { spansOf } from '../../../packages/swift/src/proxy/objects/ranges.ts'
import { define, refusedOr } from '../target.ts'
import { oddNumber, text } from '../values.ts'

const bound = fc.oneof(
  fc.constantFrom('', '0', '1', '5', '99', '100', '18446744073709551616', '-', 'x', ' '),
  oddNumber.map(String),
)
const spec = fc.tuple(bound, fc.constantFrom('-', '-', '-', '', '--'), bound).map((parts) => parts.join(''))
const header = fc.oneof(
  { weight: 5, arbitrary: fc.array(spec, { maxLength: 60 }).map((specs) => `bytes=${specs.join(',')}`) },
  { weight: 1, arbitrary: text.map((rest) => `bytes=${rest}`) },
  { weight: 1, arbitrary: text },
)

/** Range headers: whatever they ask for lies within the bytes. */
export const target = define({
  surface: 'process',
  memoryMiB: 300,
  open: async () => ({
    cases: fc.record({ header, size: fc.constantFrom(0, 1, 100, 2 ** 33) }),
    async run({ header: asked, size }) {
      for (const [start, end] of spansOf(asked, size) ?? [])
        if (!(start >= 0 && (start < end || size === 0) && end <= size))
          throw new Error(`a span outside of the object: ${start} to ${end} of ${size}`)
      const range = await refusedOr(
        () => parseRange(asked, size),
        (error) => 'status' in error && [400, 416].includes(Number(error.status)),
      )
      if (range && !(range.offset >= 0 && range.length > 0 && range.offset + range.length <= size))
        throw new Error(`a range outside of the image: ${range.length} at ${range.offset} of ${size}`)
    },
  }),
})
