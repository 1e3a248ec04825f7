import { own, setOwn } from '@hearth/core'
import type { Schema } from './route.ts'

type Pruner = (value: unknown) => unknown

/**
 * Removes object members that the schema does not name; `additionalProperties` (true or a schema) keeps them. Uses only
 * the structure of the schema: checking types is the operation's task.
 */
export function replyPruner(schema: Schema): Pruner {
  return compile(schema) ?? ((value) => value)
}

/** Undefined where nothing below needs pruning. */
function compile(schema: Schema): Pruner | undefined {
  if (schema.items) {
    const item = compile(schema.items as Schema)
    return item && ((value) => (Array.isArray(value) ? value.map(item) : value))
  }
  if (!schema.properties) return undefined
  const properties = Object.entries(schema.properties as Record<string, Schema>)
  const members = properties.map(([name, member]) => [name, compile(member)] as const)
  const known = new Set(properties.map(([name]) => name))
  const open = schema.additionalProperties === true || typeof schema.additionalProperties === 'object'
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const source = value as Record<string, unknown>
    // Without a prototype, `__proto__` is a name like any other.
    const result: Record<string, unknown> = {}
    for (const [name, prune] of members) {
      const member = own(source, name)
      if (member !== undefined) setOwn(result, name, prune ? prune(member) : member)
    }
    if (open) for (const [name, member] of Object.entries(source)) if (!known.has(name)) setOwn(result, name, member)
    return result
  }
}
