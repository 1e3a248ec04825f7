import type { Schema } from '@hearth/http'

/** Schema of a name: not empty and not only spaces. */
export const nameOf = (maxLength: number): Schema => ({ type: 'string', minLength: 1, maxLength, pattern: '\\S' })

export const text: Schema = { type: 'string' }
export const textOrNull: Schema = { type: ['string', 'null'] }
export const boolean: Schema = { type: 'boolean' }
export const id: Schema = { type: 'string', minLength: 1, maxLength: 64, pattern: '^[a-zA-Z0-9-]+$' }
export const idOrNull: Schema = { type: ['string', 'null'], maxLength: 64 }
export const object: Schema = { type: 'object' }

/** Returns the schema of a body `{"<key>": {…}}`. Unknown properties are allowed and stored as extra attributes. */
export function wrapped(key: string, properties: Schema, required: string[] = []): Schema {
  const inner = { type: 'object', properties, ...(required.length > 0 ? { required } : {}) }
  return { type: 'object', required: [key], properties: { [key]: inner } }
}

/** Returns the properties of `given` that are not in `known`, without `links`. */
export function extrasOf(given: Record<string, unknown>, known: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([key]) => !known.includes(key) && key !== 'links'))
}

/** Returns the extra attributes after an update. */
export function mergeExtras(
  old: Record<string, unknown>,
  given: Record<string, unknown>,
  known: readonly string[],
): Record<string, unknown> {
  return { ...old, ...extrasOf(given, known) }
}

/** Returns true when `options.immutable` forbids the change: it is set and `given` does not clear it. */
export function isImmutable(options: Record<string, unknown>, given?: Record<string, unknown>): boolean {
  return options.immutable === true && given?.immutable !== false
}
