import fc, { type Arbitrary } from 'fast-check'

/** Names that every object inherits. */
export const inheritedNames = Object.getOwnPropertyNames(Object.prototype)

/** Marks a text that stands in JSON as it is, such as a number no JavaScript number can hold. */
const literalMark = '\u0001literal:'

const oddTexts = [
  ...[
    '',
    ' ',
    '.',
    '..',
    '/',
    '//',
    '../../etc/passwd',
    '%',
    '%00',
    '%2f',
    '%zz',
    '\0',
    'a\0b',
    '\r\n',
    '\t',
    '\u007f',
  ],
  ...["'", '"', "' OR 1=1 --", '\\', '`id`', '$(id)', '{{', '}}', '%s%n', '<script>', '&amp;', '*', '**', '?', '#'],
  ...['None', 'null', 'true', 'True', 'false', 'NaN', '-1', '0', '1e999', '0x10', '9'.repeat(40), '١', '½'],
  ...['\ud800', '\udc00x', '\ufeff', '\u202e', '🚀', 'é', 'e\u0301', 'ß', 'İ', '\u2028', 'ａ', '\u{10ffff}'],
  ...['2020-02-30', '1970-01-01T00:00:00Z', '9999-12-31T23:59:59.999999Z', '0000-00-00', 'now'],
  ...['00000000-0000-0000-0000-000000000000', 'ffffffff', '127.0.0.1', 'http://127.0.0.1:1/', 'file:///etc/passwd'],
]

/** Short texts of every kind, many of them known for trouble. */
export const oddText: Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...oddTexts) },
  { weight: 2, arbitrary: fc.constantFrom(...inheritedNames) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  { weight: 2, arbitrary: fc.string({ maxLength: 12 }) },
  {
    weight: 1,
    arbitrary: fc.string({ unit: fc.constantFrom('a', '*', '/', ' ', '{', '}', '(', ':', ',', '='), maxLength: 40 }),
  },
)

/** As oddText, and now and then long. */
export const text: Arbitrary<string> = fc.oneof(
  { weight: 12, arbitrary: oddText },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom('a', '{', '(', '*', '\u00e9', '%', '/a', ' ', '0'),
        fc.constantFrom(64, 255, 256, 1025, 9000),
      )
      .map(([piece, count]) => piece.repeat(count)),
  },
)

export const oddNumber: Arbitrary<number> = fc.oneof(
  fc.constantFrom(
    0,
    -0,
    1,
    -1,
    2,
    10,
    255,
    256,
    65_535,
    65_536,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    1e21,
    1e308,
    0.5,
    -1e-7,
  ),
  fc.integer({ min: -5, max: 100 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
)

const literal = fc
  .constantFrom('1e999', '-1e999', '123456789012345678901234567890', '1E400', '-0', '0.1e-400')
  .map((number) => literalMark + number)

const deep = fc
  .tuple(fc.constantFrom('[', '{"a":', '[{"a":['), fc.constantFrom(30, 300, 3000, 30_000))
  .map(([open, depth]) => literalMark + nested(open, depth))

/** JSON text of `depth` values in one another. */
export function nested(open: string, depth: number): string {
  const close = [...open].reverse().flatMap((letter) => (letter === '[' ? [']'] : letter === '{' ? ['}'] : []))
  return `${open.repeat(depth)}null${close.join('').repeat(depth)}`
}

const leaf: Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: text },
  { weight: 3, arbitrary: oddNumber },
  { weight: 2, arbitrary: fc.constantFrom(null, true, false, [], {}) },
  { weight: 1, arbitrary: literal },
)

/** Any JSON value, of small size; literals are marked by `literalMark`. */
export const json: Arbitrary<unknown> = fc.oneof(
  { weight: 60, arbitrary: leaf },
  { weight: 8, arbitrary: fc.array(leaf, { maxLength: 4 }) },
  { weight: 16, arbitrary: fc.array(fc.tuple(text, leaf), { maxLength: 4 }).map(fromPairs) },
  {
    weight: 8,
    arbitrary: fc.array(fc.array(fc.tuple(oddText, leaf), { maxLength: 3 }).map(fromPairs), { maxLength: 3 }),
  },
  { weight: 1, arbitrary: deep },
)

/** An object with these own members, also of names such as `__proto__`. */
export function fromPairs(pairs: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(pairs)
}

/** JSON text of a value drawn here: marked literals stand as they are. */
export function jsonText(value: unknown): string {
  return (JSON.stringify(value) ?? 'null').replace(/"\\u0001literal:((?:[^"\\]|\\.)*)"/g, (_, raw: string) =>
    JSON.parse(`"${raw}"`),
  )
}

/** Bytes: random ones, runs, and those of texts. */
export const bytes: Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 600 }),
  fc
    .tuple(fc.integer({ min: 0, max: 255 }), fc.constantFrom(1, 511, 512, 513, 4096, 70_000))
    .map(([byte, count]) => new Uint8Array(count).fill(byte)),
  text.map((letters) => new Uint8Array(Buffer.from(letters))),
)

/** A change to bytes: at a place, as a part of the whole, some are put in the place of others. */
interface Damage {
  /** 0 to 1. */
  at: number
  remove: number
  insert: Uint8Array
}

const fromHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))

export const damages: Arbitrary<Damage[]> = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.constantFrom(0, 1, 1, 2, 4, 8, 100),
    insert: fc.oneof(
      { weight: 3, arbitrary: fc.uint8Array({ maxLength: 8 }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom('ffffffffffffffff', '7fffffff', '80000000', '00', '00000000').map(fromHex),
      },
      { weight: 1, arbitrary: bytes },
    ),
  }),
  { maxLength: 4 },
)

export function damage(whole: Uint8Array, changes: readonly Damage[]): Buffer {
  let result = Buffer.from(whole)
  for (const { at, remove, insert } of changes) {
    const from = Math.floor(at * result.length)
    result = Buffer.concat([result.subarray(0, from), insert, result.subarray(from + remove)])
  }
  return result
}

const mostSmallPieces = 2000

/** The bytes as a stream, in pieces of these sizes, again and again; the rest of much in large ones. */
export async function* inPieces(whole: Uint8Array, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0
  for (let turn = 0; at < whole.length; turn++) {
    const size = turn < mostSmallPieces ? Math.max(1, sizes[turn % Math.max(1, sizes.length)] ?? 65_536) : 65_536
    yield Buffer.from(whole.subarray(at, at + size))
    at += size
  }
}

export const pieceSizes: Arbitrary<number[]> = fc.array(fc.constantFrom(1, 2, 7, 100, 511, 512, 513, 4096, 65_536), {
  minLength: 1,
  maxLength: 4,
})
