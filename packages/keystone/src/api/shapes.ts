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
