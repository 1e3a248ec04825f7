import { afterEach, beforeEach, expect, test } from 'vitest'
import { defaultDomain, startIdentity, type TestIdentity } from '../../fixture.ts'
import { satisfies } from './multi-factor.ts'
import { oneTimePassword } from './totp.ts'

const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
let identity: TestIdentity
let admin: string
let userId: string
let ms = Date.now()

const call = (method: string, path: string, body?: unknown) => identity.call(method, path, { token: admin, body })
const setOptions = (options: object) => call('PATCH', `/v3/users/${userId}`, { user: { options } })
const user = { name: 'ann', domain: defaultDomain }
const password = { user: { ...user, password: 'right' } }
const passcode = () => oneTimePassword(Buffer.from('12345678901234567890'), Math.floor(ms / 30_000))
const totp = (code = passcode()) => ({ user: { ...user, passcode: code } })
const logIn = (methods: object, headers = {}) => {
  const auth = { identity: { methods: Object.keys(methods), ...methods } }
  return identity.call('POST', '/v3/auth/tokens', { body: { auth }, headers })
}

beforeEach(async () => {
  identity = await startIdentity({
    clock: { now: () => new Date(ms) },
    securityCompliance: { lockoutFailureAttempts: 4 },
  })
  admin = await identity.login()
  userId = (await call('POST', '/v3/users', { user: { name: 'ann', password: 'right' } })).body.user.id
  const credential = { type: 'totp', blob: secret, user_id: userId }
  expect((await call('POST', '/v3/credentials', { credential })).status).toBe(201)
})
afterEach(() => identity.close())

test('when a rule requires two methods, one method gets a receipt and both get a token', async () => {
  expect((await setOptions({ multi_factor_auth_rules: [['password', 'totp']] })).status).toBe(200)
  const half = await logIn({ password })
  expect(half.status).toBe(401)
  expect(half.headers.get('x-subject-token')).toBeNull()
  expect(half.body).toMatchObject({
    receipt: { methods: ['password'], user: { id: userId, name: 'ann', domain: { id: 'default', name: 'Default' } } },
    required_auth_methods: [['password', 'totp']],
  })
  const receipt = { 'openstack-auth-receipt': half.headers.get('openstack-auth-receipt')! }
  const whole = await logIn({ totp: totp() }, receipt)
  expect([whole.status, whole.body.token.methods.sort()]).toEqual([201, ['password', 'totp']])
  ms += 30_000
  const atOnce = await logIn({ password, totp: totp() })
  expect([atOnce.status, atOnce.body.token.methods]).toEqual([201, ['password', 'totp']])
})

test('a receipt is valid only for its user, for five minutes, and until the password changes', async () => {
  await setOptions({ multi_factor_auth_rules: [['password', 'totp']] })
  const receiptOf = async () => ({
    'openstack-auth-receipt': (await logIn({ password })).headers.get('openstack-auth-receipt')!,
  })
  const receipt = await receiptOf()
  const adminUser = { name: 'admin', domain: defaultDomain, password: 'secret-a' }
  expect((await logIn({ password: { user: adminUser } }, receipt)).status).toBe(401)
  expect((await logIn({ totp: totp() }, { 'openstack-auth-receipt': 'guess' })).status).toBe(401)
  ms += 300_000
  expect((await logIn({ totp: totp() }, receipt)).status).toBe(401)
  ms += 30_000
  const next = await receiptOf()
  await call('PATCH', `/v3/users/${userId}`, { user: { password: 'right' } })
  expect((await logIn({ totp: totp() }, next)).status).toBe(401)
})

test('a token of one method cannot be rescoped when a rule requires two methods', async () => {
  const token = (await logIn({ password })).headers.get('x-subject-token')!
  expect((await logIn({ token: { id: token } })).status).toBe(201)
  await setOptions({ multi_factor_auth_rules: [['password', 'totp']] })
  expect((await logIn({ token: { id: token } })).status).toBe(401)
  await setOptions({ multi_factor_auth_enabled: false })
  expect((await logIn({ token: { id: token } })).status).toBe(201)
})

test('a one-time password is accepted once, wrong ones count for the lockout, and alone it is not enough', async () => {
  expect((await logIn({ totp: totp() })).status).toBe(401)
  await setOptions({ multi_factor_auth_rules: [['totp']] })
  ms += 30_000
  const code = passcode()
  expect((await logIn({ totp: totp(code) })).status).toBe(201)
  expect((await logIn({ totp: totp(code) })).status).toBe(401)
  expect((await logIn({ totp: { user } as never })).status).toBe(400)
  for (let count = 0; count < 3; count++) {
    expect((await logIn({ password, totp: totp('wrong') })).status).toBe(401)
  }
  ms += 30_000
  expect((await logIn({ password, totp: totp() })).status).toBe(401)
})

test('rules must name known methods, each once, and unreadable rules refuse every log-in', async () => {
  for (const rules of [
    'x',
    [[]],
    [['password', 'magic']],
    [['password', 'password']],
    ['password'],
    [['totp'], ['totp']],
  ])
    expect([rules, (await setOptions({ multi_factor_auth_rules: rules })).status]).toEqual([rules, 400])
  expect(satisfies({ multi_factor_auth_rules: 'x' }, ['password'])).toBe(false)
  expect(satisfies({ multi_factor_auth_rules: [['password', 'magic']] }, ['password', 'totp'])).toBe(false)
  expect(satisfies({ multi_factor_auth_rules: [[]] }, ['password'])).toBe(false)
  expect(satisfies({ multi_factor_auth_rules: [] }, ['password'])).toBe(true)
})
