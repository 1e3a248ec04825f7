import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { login } from '../client.ts'
import { type Account, type Started, start } from '../start.ts'

/** Of the attacker; the loopback network has many. */
const stranger = '127.0.0.2'
const home = '127.0.0.1'

let suite: Started

beforeAll(async () => {
  suite = await start({ config: { identity: { securityCompliance: { lockoutFailureAttempts: 5 } } } })
})
afterAll(() => suite?.close())

interface Reply {
  status: number
  retryAfter: string | undefined
  message: string
}

/** Tries to log in from one of the machine's addresses. */
function tryLogin(from: string, { username: name, password }: Pick<Account, 'username' | 'password'>): Promise<Reply> {
  const user = { name, password, domain: { id: 'default' } }
  const body = JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } } } })
  const headers = { 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const call = request(`${suite.urls.identity}/auth/tokens`, { method: 'POST', localAddress: from, headers })
    call.on('error', reject)
    call.on('response', async (response) => {
      const { error } = JSON.parse(await text(response)) as { error?: { message: string } }
      const retryAfter = response.headers['retry-after']
      resolve({ status: response.statusCode!, retryAfter, message: error?.message ?? '' })
    })
    call.end(body)
  })
}

const guess = (index: number) => ({ username: 'demo', password: `guess-${index}-of-many` })

test('two hundred guesses at once end early, and others log in all the while', async () => {
  const guesses = Array.from({ length: 200 }, (_, index) => tryLogin(stranger, guess(index)))
  const mine = Array.from({ length: 3 }, () => tryLogin(home, suite.admin))
  expect((await Promise.all(mine)).map(({ status }) => status)).toEqual([201, 201, 201])
  const replies = await Promise.all(guesses)
  const of = (status: number) => replies.filter((reply) => reply.status === status)
  expect(of(401).length).toBeLessThan(15)
  expect(of(401).length + of(429).length + of(503).length).toBe(200)
  expect(of(503).length).toBeGreaterThan(0)
  expect([...of(429), ...of(503)].every(({ retryAfter }) => Number(retryAfter) > 0)).toBe(true)
})

test('guesses at a service user do not keep the service out, from whatever address', async () => {
  const secrets = JSON.parse(readFileSync(join(suite.dataFolder, 'secrets.json'), 'utf8')) as { glance: string }
  const service = { username: 'glance', project: 'service' }
  const guesses = Array.from({ length: 60 }, (_, index) => tryLogin(home, { ...service, password: `guess-${index}` }))
  expect((await Promise.all(guesses)).map(({ status }) => status)).toEqual(guesses.map(() => 401))
  expect((await tryLogin(home, { ...service, password: secrets.glance })).status).toBe(201)
})

test('the account that was guessed at is locked, without saying so', async () => {
  const { status, message } = await tryLogin(home, { ...suite.demo, username: 'demo' })
  expect([401, 429]).toContain(status)
  expect(message).not.toMatch(/lock/i)
  await expect(login(suite.urls, suite.demo)).rejects.toThrow(/answered (401|429)/)
})

test('the log has a line for each failure and each success, with who, from where and how, and no password', async () => {
  const log = readFileSync(join(suite.dataFolder, 'log', 'hearth.log'), 'utf8')
  const lines = log
    .split('\n')
    .filter((line) => line.includes('"audit":"login"'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const about = { userName: 'demo', domain: 'default', address: stranger, methods: ['password'], outcome: 'failure' }
  expect(lines).toContainEqual(expect.objectContaining({ ...about, reason: 'wrong password' }))
  expect(lines.filter((line) => line.outcome === 'failure' && line.address === stranger)).toHaveLength(200)
  expect(lines).toContainEqual(
    expect.objectContaining({ userName: 'admin', address: home, methods: ['password'], outcome: 'success' }),
  )
  expect(log).not.toMatch(/guess-\d+-of-many/)
  expect(log).not.toContain(suite.admin.password)
})

test('a user whose rule wants a second method gets no token by the password alone', async () => {
  const admin = await login(suite.urls, suite.admin)
  const account = { username: 'careful', password: 'right', project: 'admin' }
  const options = { multi_factor_auth_rules: [['password', 'totp']] }
  const user = { name: account.username, password: account.password, options }
  await admin.must('identity', 'POST', '/users', { json: { user } })
  const replies = await Promise.all([tryLogin(home, account), tryLogin(home, { ...account, password: 'wrong' })])
  expect(replies.map(({ status }) => status)).toEqual([401, 401])
  for (const rules of ['x', [[]], [['password', 'no_such_method']]]) {
    const changed = { user: { options: { multi_factor_auth_rules: rules } } }
    expect((await admin.call('identity', 'PATCH', `/users/${admin.userId}`, { json: changed })).status).toBe(400)
  }
})
