import { expect, test } from 'vitest'
import { isSignedBody, openSigner, openVerifier } from './signature.ts'

const parts = { method: 'POST', path: '/sd1/call/getObject?a=1', cluster: 'one', body: Buffer.from('x') }
const { method, path } = parts

test('a signed request is good once, and only as it was signed', () => {
  const sign = openSigner('secret')
  const verifier = openVerifier('secret', 'one')
  const headers = sign(parts)
  expect(verifier.check('GET', path, headers)).toBe('signature')
  expect(verifier.check(method, '/sd1/call/deleteObject', headers)).toBe('signature')
  expect(verifier.check(method, path, { ...headers, 'x-storage-body': '0' })).toBe('signature')
  expect(verifier.check(method, path, { ...headers, 'x-storage-time': '9999999999' })).toBe('signature')
  expect(verifier.check(method, path, {})).toBe('signature')
  expect(verifier.check(method, path, headers)).toBe(null)
  expect(verifier.check(method, path, headers)).toBe('replay')
  expect(isSignedBody(headers, Buffer.from('x'))).toBe(true)
  expect(isSignedBody(headers, Buffer.from('y'))).toBe(false)
})

test('who does not know the secret cannot sign, and an empty secret opens nothing', () => {
  expect(openVerifier('secret', 'one').check(method, path, openSigner('other')(parts))).toBe('signature')
  expect(() => openVerifier('', 'one')).toThrow('needs a secret')
  expect(() => openSigner('')).toThrow('needs a secret')
})

test('a request is good for five minutes around the time it was signed at', () => {
  let now = 1_700_000_000_000
  const clock = () => now
  const sign = openSigner('secret', clock)
  const verifier = openVerifier('secret', 'one', clock)
  const [early, late] = [sign(parts), sign(parts)]
  now += 299_000
  expect(verifier.check(method, path, early)).toBe(null)
  now += 2000
  expect(verifier.check(method, path, late)).toBe('time')
  now -= 700_000
  expect(verifier.check(method, path, late)).toBe('time')
})

test('requests that overtake one another are good, and those of many processes do not fill the memory', () => {
  const verifier = openVerifier('secret', 'one')
  const sign = openSigner('secret')
  const [first, second, third] = [sign(parts), sign(parts), sign(parts)]
  expect([third, first, second, first].map((headers) => verifier.check(method, path, headers!))).toEqual([
    ...[null, null, null],
    'replay',
  ])
  const others = Array.from({ length: 1100 }, () => verifier.check(method, path, openSigner('secret')(parts)))
  expect(others.filter((refusal) => refusal === null)).toHaveLength(1023)
})

test('a host that places objects by another salt is told so', () => {
  const headers = openSigner('secret')({ ...parts, cluster: 'two' })
  expect(openVerifier('secret', 'one').check(method, path, headers)).toBe('cluster')
})
