import { expect, test } from 'vitest'
import { readPythonDict } from './python-literal.ts'

test.each([
  ["{'a': 'b'}", { a: 'b' }],
  ["{u'a': u'b', 'c': \"d\"}", { a: 'b', c: 'd' }],
  ['{"a": "b"}', { a: 'b' }],
  ["{'it\\'s': 'x, y: z'}", { "it's": 'x, y: z' }],
  ["{'n': 5}", { n: '5' }],
  ['{}', {}],
])('%s is read as a dictionary', (text, wanted) => {
  expect(readPythonDict(text)).toEqual(wanted)
})

test.each(['', 'a', "{'a'}", "['a']", "{'a': 'b'"])('%s is not a dictionary', (text) => {
  expect(readPythonDict(text)).toBeUndefined()
})
