import { expect, test } from 'vitest'
import { newChap } from './chap.ts'

test('credentials differ each time, and no name looks like a number', () => {
  const all = Array.from({ length: 2000 }, newChap)
  expect(new Set(all.flatMap(({ username, password }) => [username, password])).size).toBe(4000)
  expect(all.filter(({ username }) => !/^[a-z][0-9a-f]{19}$/.test(username))).toEqual([])
  expect(all.filter(({ password }) => !/^[0-9a-f]{16}$/.test(password))).toEqual([])
})
