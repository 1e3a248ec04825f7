import { expect, test } from 'vitest'
import { allowsAccess, countWildcards, matchesAccessPath } from './access-rules.ts'

const rule = (path: string, method = 'GET', service = 'object-store') => ({ service, method, path })
const asked = (path: string, method = 'GET') => ({ method, path })

test('a star and a name in braces match one segment, two stars match any number', () => {
  const cases: [rule: string, path: string, matches: boolean][] = [
    ['/v2/images', '/v2/images', true],
    ['/v2/images', '/v2/images/', false],
    ['/v2/*', '/v2/images', true],
    ['/v2/*', '/v2/', false],
    ['/v2/*', '/v2/images/x', false],
    ['/v2/images/{id}/file', '/v2/images/17/file', true],
    ['/v2/images/{id}/file', '/v2/images//file', false],
    ['/v2/**', '/v2/', true],
    ['/v2/**', '/v2/images/x/file', true],
    ['/**/file', '/v2/images/x/file', true],
    ['/**/file', '/v2/images/x/files', false],
    ['/a*c/**b', '/abbc/x/b', true],
    ['/a***b', '/a/x/yb', true],
    ['/v2.1', '/v2x1', false],
  ]
  for (const [pattern, path, matches] of cases)
    expect([pattern, path, matchesAccessPath(pattern, path)]).toEqual([pattern, path, matches])
})

test('a rule made to backtrack and a path of 8,000 characters are matched by counting, not by searching', () => {
  const hostile = `/${'**a'.repeat(42)}`
  expect(matchesAccessPath(hostile, `/${'a'.repeat(8000)}`)).toBe(true)
  expect(matchesAccessPath(`${hostile.slice(0, 126)}b`, `/${'a'.repeat(8000)}`)).toBe(false)
  expect(matchesAccessPath('/**', `/${'a'.repeat(9000)}`)).toBe(false)
})

test('method, service and the decoded path count; the query does not', () => {
  const rules = [rule('/v1/AUTH_p/*')]
  expect(allowsAccess(rules, ['object-store'], asked('/v1/AUTH_p/box?format=json'))).toBe(true)
  expect(allowsAccess(rules, ['object-store'], asked('/v1/AUTH%5Fp/box'))).toBe(true)
  expect(allowsAccess(rules, ['object-store'], asked('/v1/AUTH_p/box%2Fsecret'))).toBe(false)
  expect(allowsAccess(rules, ['object-store'], asked('/v1/AUTH_p/box', 'PUT'))).toBe(false)
  expect(allowsAccess(rules, ['image'], asked('/v1/AUTH_p/box'))).toBe(false)
  expect(allowsAccess([rule('/v3/x', 'GET', 'volumev3')], ['block-storage', 'volumev3'], asked('/v3/x'))).toBe(true)
  expect(allowsAccess([rule('/v1/AUTH_p/a%20b')], ['object-store'], asked('/v1/AUTH_p/a%20b'))).toBe(true)
})

test('a token may be validated at the identity service whatever the rules say', () => {
  expect(allowsAccess([], ['identity'], asked('/v3/auth/tokens?nocatalog'))).toBe(true)
  expect(allowsAccess([], ['identity'], asked('/v3/auth/tokens', 'DELETE'))).toBe(false)
  expect(allowsAccess([], ['image'], asked('/v3/auth/tokens'))).toBe(false)
})

test('wildcards are counted, and a brace without its partner is found', () => {
  expect(countWildcards('/v1/AUTH_p/*/{object}/**')).toBe(3)
  expect(countWildcards('/v1/{a')).toBeNull()
  expect(countWildcards('/v1/a}')).toBeNull()
  expect(countWildcards('/v1/{a{b}}')).toBeNull()
})
