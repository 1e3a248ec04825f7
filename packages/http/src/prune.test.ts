import { expect, test } from 'vitest'
import { replyPruner } from './prune.ts'

test.each(Object.getOwnPropertyNames(Object.prototype))(
  'a member named %s is kept where others are allowed, and not invented where it is absent',
  (name) => {
    const prune = replyPruner({ type: 'object', properties: { id: {} }, additionalProperties: true })
    const text = `{"id":"a","${name}":"x"}`
    expect(JSON.stringify(prune(JSON.parse(text)))).toBe(text)
    const named = replyPruner({ type: 'object', properties: JSON.parse(`{"${name}":{}}`) })
    expect(JSON.stringify(named({}))).toBe('{}')
  },
)
