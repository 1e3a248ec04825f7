import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { baseUrlOf, clientAddress, noProxies, openTrustedProxies, originOf } from './client-address.ts'

const request = (remoteAddress: string, headers: Record<string, string> = {}, more: object = {}) =>
  ({
    socket: { remoteAddress, localAddress: '10.1.1.1', localPort: 5000, ...more },
    headers,
  }) as unknown as IncomingMessage

const forwarded = {
  host: 'inner:5000',
  'x-forwarded-for': '203.0.113.9',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'cloud.example.org',
}

test('headers of a proxy that is not trusted change neither address nor links', () => {
  for (const proxies of [noProxies, openTrustedProxies(['10.0.0.2', 'fd00::/8'])]) {
    const origin = originOf(request('10.0.0.1', { ...forwarded, forwarded: 'for=203.0.113.9;host=evil' }), proxies)
    expect(origin).toEqual({ address: '10.0.0.1', protocol: 'http', host: 'inner:5000' })
  }
})

test('a trusted proxy says who the client is and what it called', () => {
  const proxies = openTrustedProxies(['10.0.0.0/24'])
  for (const peer of ['10.0.0.1', '::ffff:10.0.0.1']) {
    const origin = originOf(request(peer, forwarded), proxies)
    expect(origin).toEqual({ address: '203.0.113.9', protocol: 'https', host: 'cloud.example.org' })
    expect(baseUrlOf(origin)).toBe('https://cloud.example.org')
  }
})

test('addresses that the client itself put into the list are passed over', () => {
  const proxies = openTrustedProxies(['10.0.0.0/24', '2001:db8::1'])
  const of = (list: string) => clientAddress(request('10.0.0.1', { 'x-forwarded-for': list }), proxies)
  expect(of('127.0.0.1, 203.0.113.9')).toBe('203.0.113.9')
  expect(of('127.0.0.1, 203.0.113.9, 10.0.0.7')).toBe('203.0.113.9')
  expect(of('127.0.0.1, 203.0.113.9, 2001:db8::1')).toBe('203.0.113.9')
  expect(of('203.0.113.9:4711')).toBe('203.0.113.9')
  expect(of('[2001:db8::2]:4711')).toBe('2001:db8::2')
  expect(of('10.0.0.9')).toBe('10.0.0.9')
  expect(of('127.0.0.1, rubbish')).toBe('10.0.0.1')
  expect(of('')).toBe('10.0.0.1')
})

test('Forwarded is read where it is what the proxies set, and X-Forwarded headers then are not', () => {
  const proxies = openTrustedProxies(['10.0.0.1'], 'forwarded')
  const told = 'for=127.0.0.1, for="[2001:db8::2]:4711";proto=https;host="cloud.example.org"'
  const both = { ...forwarded, 'x-forwarded-for': '127.0.0.1', forwarded: told }
  expect(originOf(request('10.0.0.1', both), proxies)).toEqual({
    address: '2001:db8::2',
    protocol: 'https',
    host: 'cloud.example.org',
  })
  const byDefault = openTrustedProxies(['10.0.0.1'])
  expect(clientAddress(request('10.0.0.1', { forwarded: 'for=127.0.0.1' }), byDefault)).toBe('10.0.0.1')
})

test('the scheme is that of the connection, or one of the two there are', () => {
  const proxies = openTrustedProxies(['10.0.0.1'])
  expect(originOf(request('10.9.9.9', {}, { encrypted: true }), proxies).protocol).toBe('https')
  expect(originOf(request('10.0.0.1', { 'x-forwarded-proto': 'javascript' }), proxies).protocol).toBe('http')
})

test('a Host that is no host is none; an absent one is the address that was called', () => {
  const hostOf = (host: string) => originOf(request('10.9.9.9', { host }), noProxies).host
  for (const host of ['a b', 'a/b', 'a"b', 'user@host', 'a'.repeat(254), 'a:1:2', '<script>', '[::1', ''])
    expect(hostOf(host)).toBeNull()
  for (const host of ['localhost', 'cloud.example.org:443', '[::1]:5000', 'a_b', '10.0.0.1:80'])
    expect(hostOf(host)).toBe(host)
  expect(originOf(request('10.9.9.9'), noProxies).host).toBe('10.1.1.1:5000')
})

test('what is no address in the list of proxies is named', () => {
  expect(() => openTrustedProxies(['10.0.0.1', 'proxy.example.org', '10.0.0.0/33', '::/129', '1.1.1.1/8/8'])).toThrow(
    /trustedProxies: "proxy.example.org" is .*\n.*"10.0.0.0\/33".*\n.*"::\/129".*\n.*"1.1.1.1\/8\/8"/,
  )
})
