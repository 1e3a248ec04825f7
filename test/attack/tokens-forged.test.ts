import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { expect, test } from 'vitest'
import { type Client, login, type Service } from '../client.ts'
import { suite } from '../suite.ts'
import { longestHealthMs, watchHealth } from './watch.ts'

const { urls, admin, demo } = suite()
const client = await login(urls, admin)
const [, keyId = '', claims = '', signature = ''] = client.token.split('.')

/** One call of each service that only a good token may make. */
const calls: [Service, string][] = [
  ['identity', '/users'],
  ['volume', '/volumes'],
  ['image', '/images'],
  ['object', ''],
]

async function statusesOf(token: string): Promise<number[]> {
  const asked = calls.map(([service, path]) =>
    client.call(service, 'GET', path, { headers: { 'x-auth-token': token } }),
  )
  return (await Promise.all(asked)).map(({ status }) => status)
}

const refused = [401, 401, 401, 401]
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** The claims with every role a token can have. */
function inflated(of: Client): string {
  const [, , packed = ''] = of.token.split('.')
  return Buffer.from(Buffer.from(packed, 'base64url').toString().replace('"member"', '"admin"')).toString('base64url')
}

test('the token these tests forge is good at all four services', async () => {
  expect((await statusesOf(client.token)).every((status) => status < 300)).toBe(true)
})

test.each([
  ['no signature', `hth.${keyId}.${claims}.`],
  ['no signature and no dot', `hth.${keyId}.${claims}`],
  ['an empty key id', `hth..${claims}.${signature}`],
  ['64 zero bytes as signature', `hth.${keyId}.${claims}.${'A'.repeat(86)}`],
  ['another prefix', `xth.${keyId}.${claims}.${signature}`],
  ['a fifth part', `${client.token}.${signature}`],
  ['a space before it', `hth. ${keyId}.${claims}.${signature}`],
  ['padding', `${client.token}==`],
  ['the key id of a prototype', `hth.__proto__.${claims}.${signature}`],
  ['the key id of a function', `hth.constructor.${claims}.${signature}`],
  ['a key id that is a path', `hth.../../${keyId}.${claims}.${signature}`],
  ['a key id in upper case', `hth.${keyId.toUpperCase()}X.${claims}.${signature}`],
  ['claims that are no JSON', `hth.${keyId}.${encode('x').slice(1)}.${signature}`],
])('a token with %s is refused everywhere', async (_what, token) => {
  expect(await statusesOf(token)).toEqual(refused)
})

test('claims of a member made those of an administrator are refused everywhere', async () => {
  const member = await login(urls, demo)
  const [, id, , own] = member.token.split('.')
  expect(await statusesOf(`hth.${id}.${inflated(member)}.${own}`)).toEqual(refused)
})

test('a token signed by a key of the attacker under the id of ours is refused everywhere', async () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  const body = `hth.${keyId}.${claims}`
  expect(await statusesOf(`${body}.${sign(null, Buffer.from(body), privateKey).toString('base64url')}`)).toEqual(
    refused,
  )
})

test('the public key is no secret to sign with, and web tokens without a signature are refused', async () => {
  const root = urls.identity.replace(/\/v3$/, '')
  const { keys } = (await (await fetch(`${root}/.well-known/jwks.json`)).json()) as {
    keys: { x: string; d?: string }[]
  }
  expect(keys.every((key) => key.d === undefined)).toBe(true)
  const body = `hth.${keyId}.${claims}`
  const mac = (input: string) =>
    createHmac('sha256', Buffer.from(keys[0]!.x, 'base64url')).update(input).digest('base64url')
  expect(await statusesOf(`${body}.${mac(body)}`)).toEqual(refused)
  const payload = encode({ sub: client.userId, roles: ['admin'] })
  for (const alg of ['none', 'None', 'HS256', 'EdDSA']) {
    const head = `${encode({ alg, kid: keyId, typ: 'JWT' })}.${payload}`
    expect(await statusesOf(`${head}.${alg === 'HS256' ? mac(head) : ''}`)).toEqual(refused)
  }
})

test('the same signature in another spelling is another token', async () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(signature.at(-1)!)
  const twin = alphabet[last ^ 1]!
  expect(await statusesOf(client.token.slice(0, -1) + twin)).toEqual(refused)
})

test('a flood of long tokens and of unknown keys holds no service up', async () => {
  const long = (index: number) => `hth.${keyId}.${String(index).repeat(7000).slice(0, 7000)}.${signature}`
  const { result, slowest } = await watchHealth(async () => {
    const seen = new Set<number>()
    for (let round = 0; round < 5; round++) {
      const tokens = Array.from({ length: 20 }, (_, index) => [
        long(round * 20 + index),
        `hth.k${round}x${index}.${claims}.${signature}`,
      ])
      for (const statuses of await Promise.all(tokens.flat().map(statusesOf)))
        for (const status of statuses) seen.add(status)
    }
    return seen
  })
  expect(result).toEqual(new Set([401]))
  expect(Math.max(...Object.values(slowest))).toBeLessThan(longestHealthMs)
})

test('who was revoked, and when, is told to services and administrators alone', async () => {
  const root = urls.identity.replace(/\/v3$/, '')
  const victim = await login(urls, demo)
  await victim.must('identity', 'DELETE', '/auth/tokens', { headers: { 'x-subject-token': victim.token } })
  for (const port of Object.values(urls)) {
    const response = await fetch(new URL('/.well-known/revocations', port))
    const text = await response.text()
    for (const told of [victim.userId, 'auditId', 'issuedBefore']) expect(text).not.toContain(told)
  }
  expect((await fetch(`${root}/.well-known/revocations`)).status).toBe(401)
  const member = await login(urls, demo)
  const ask = (token: string, query = '') =>
    fetch(`${root}/.well-known/revocations${query}`, { headers: { 'x-auth-token': token } })
  expect((await ask(member.token)).status).toBe(403)
  const { events, last } = (await (await ask(client.token)).json()) as { events: object[]; last: number }
  expect(events.length).toBeGreaterThan(0)
  expect(events.length).toBeLessThanOrEqual(1000)
  expect(((await (await ask(client.token, `?after=${last}`)).json()) as { events: object[] }).events).toEqual([])
})
