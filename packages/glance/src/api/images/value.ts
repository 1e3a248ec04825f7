import type { Schema } from '@hearth/http'
import { glanceErrors } from '../../model/errors.ts'

/** Checks one attribute against its schema, as far as image attributes use JSON schema. Throws BadRequest (400). */
export function checkValue(name: string, value: unknown, schema: Schema): void {
  const problem = problemOf(value, schema)
  if (problem) {
    const reason = `Provided object does not match schema 'image': ${JSON.stringify(value)} ${problem} (${name})`
    throw glanceErrors.BadRequest({ reason })
  }
}

function problemOf(value: unknown, schema: Schema): string | null {
  const types = [schema.type].flat()
  if (schema.type !== undefined && !types.includes(typeOf(value))) return `is not of type ${types.join(', ')}`
  if (Array.isArray(schema.enum) && !schema.enum.includes(value)) return `is not one of ${JSON.stringify(schema.enum)}`
  if (typeof value === 'string' && value.length > Number(schema.maxLength ?? Number.POSITIVE_INFINITY))
    return 'is too long'
  if (typeof value === 'number' && value < Number(schema.minimum ?? Number.NEGATIVE_INFINITY)) {
    return `is less than the minimum of ${schema.minimum}`
  }
  if (typeof value === 'number' && value > 2 ** 31 - 1) return 'is too big'
  if (!Array.isArray(value) || !schema.items) return null
  for (const item of value) {
    const problem = problemOf(item, schema.items as Schema)
    if (problem) return `: ${JSON.stringify(item)} ${problem}`
  }
  return null
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return Number.isInteger(value) ? 'integer' : typeof value
}
