import fc, { type Arbitrary } from 'fast-check'
import type { Row } from './row.ts'
import { bytes, fromPairs, json, jsonText, nested, oddNumber, oddText, text } from './values.ts'

type Schema = Record<string, unknown>

const deepest = 5

/** Bodies for a row: by its schema where it has one, else by likely member names; broken now and then. */
export function bodyOf(
  row: Row,
  members: readonly string[],
  fixtures: readonly string[],
): Arbitrary<string | Uint8Array> {
  if (row.stream) return fc.oneof({ weight: 3, arbitrary: bytes }, { weight: 1, arbitrary: json.map(jsonText) })
  const known: Known = { members, ids: fixtures.map((name) => `{${name}}`) }
  const value = row.body ? bySchema(row.body, known, 0) : free(row, known)
  const whole = value.map(jsonText)
  return fc.oneof(
    { weight: 30, arbitrary: whole },
    { weight: 2, arbitrary: json.map(jsonText) },
    { weight: 1, arbitrary: fc.tuple(whole, fc.double({ min: 0, max: 1, noNaN: true })).map(cut) },
    { weight: 1, arbitrary: bytes },
    { weight: 1, arbitrary: fc.constantFrom('', '{', '\ufeff{}', '{"a":1,"a":2}', 'null', '""', '{}x', '{"a":NaN}') },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('[', '{"a":'), fc.constantFrom(100, 5000, 50_000))
        .map(([o, n]) => nested(o, n)),
    },
  )
}

interface Known {
  members: readonly string[]
  ids: readonly string[]
}

const cut = ([whole, at]: [string, number]): string => whole.slice(0, Math.floor(whole.length * at))

function free(row: Row, known: Known): Arbitrary<unknown> {
  const inner = objectOf(known)
  if (row.action !== undefined) {
    const action = row.action
    return fc
      .oneof({ weight: 5, arbitrary: inner }, { weight: 1, arbitrary: json })
      .map((value) => ({ [action]: value }))
  }
  // Most bodies hold their members in one member named after the resource.
  const last = row.path.split('/').findLast((segment) => segment !== '' && !segment.startsWith(':')) ?? ''
  const singular = last.replace(/^os-/, '').replaceAll('-', '_').replace(/ies$/, 'y').replace(/s$/, '')
  const name = fc.oneof(
    fc.constant(singular),
    fc.constant(last.replaceAll('-', '_')),
    fc.constantFrom(...known.members),
  )
  return fc.oneof({ weight: 3, arbitrary: fc.tuple(name, inner).map((pair) => fromPairs([pair])) }, inner)
}

function objectOf(known: Known): Arbitrary<unknown> {
  const name = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...known.members) }, { weight: 1, arbitrary: oddText })
  const flat = fc.oneof(
    { weight: 4, arbitrary: json },
    { weight: 2, arbitrary: fc.constantFrom(...known.ids, 'x', '1') },
  )
  const value = fc.oneof(
    { weight: 6, arbitrary: flat },
    { weight: 1, arbitrary: fc.array(fc.tuple(name, flat), { maxLength: 4 }).map(fromPairs) },
    { weight: 1, arbitrary: fc.array(flat, { maxLength: 3 }) },
  )
  return fc.array(fc.tuple(name, value), { maxLength: 6 }).map(fromPairs)
}

/** Values of a JSON schema; every part is something else in one of twelve. */
function bySchema(schema: Schema, known: Known, depth: number): Arbitrary<unknown> {
  const right = fitting(schema, known, depth)
  return depth === 0
    ? fc.oneof({ weight: 30, arbitrary: right }, { weight: 1, arbitrary: json })
    : fc.oneof({ weight: 11, arbitrary: right }, { weight: 1, arbitrary: json })
}

function fitting(schema: Schema, known: Known, depth: number): Arbitrary<unknown> {
  if (depth > deepest) return json
  const choices = (schema.oneOf ?? schema.anyOf) as Schema[] | undefined
  if (choices) return fc.oneof(...choices.map((choice) => bySchema(choice, known, depth + 1)))
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]))
  if ('const' in schema) return fc.constant(schema.const)
  const types = [schema.type ?? (schema.properties ? 'object' : 'any')].flat() as string[]
  return fc.oneof(...types.map((type) => ofType(type, schema, known, depth)))
}

function ofType(type: string, schema: Schema, known: Known, depth: number): Arbitrary<unknown> {
  if (type === 'object') return objectBySchema(schema, known, depth)
  if (type === 'array') {
    const items = schema.items ? bySchema(schema.items as Schema, known, depth + 1) : json
    return fc.array(items, { maxLength: 4 })
  }
  if (type === 'string')
    return fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('x', 'name', '1', 'true', 'bare', 'raw', 'default', ...known.ids) },
      { weight: 3, arbitrary: text },
    )
  if (type === 'integer' || type === 'number') return fc.oneof(fc.integer({ min: 0, max: 9 }), oddNumber)
  if (type === 'boolean') return fc.boolean()
  if (type === 'null') return fc.constant(null)
  return json
}

function objectBySchema(schema: Schema, known: Known, depth: number): Arbitrary<unknown> {
  const properties = (schema.properties ?? {}) as Record<string, Schema>
  const required = new Set((schema.required ?? []) as string[])
  const parts = Object.entries(properties).map(([name, part]) =>
    fc
      .tuple(bySchema(part, known, depth + 1), fc.integer({ min: 0, max: required.has(name) ? 15 : 3 }))
      .map(([value, dice]): [string, unknown][] =>
        (required.has(name) ? dice > 0 : dice === 0) ? [[name, value]] : [],
      ),
  )
  const open = schema.additionalProperties !== false || schema.patternProperties !== undefined
  const more = fc.array(fc.tuple(oddText, fc.oneof(text, json)), { maxLength: open ? 3 : 1 })
  const odd = fc.integer({ min: 0, max: open ? 2 : 15 })
  return fc
    .tuple(fc.tuple(...parts), more, odd)
    .map(([pairs, extra, dice]) => fromPairs([...pairs.flat(), ...(dice === 0 ? extra : [])]))
}
