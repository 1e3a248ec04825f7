import { afterEach, expect, test } from 'vitest'
import type { ApiOptions } from '../../api/role.ts'
import { passwordAuth, startIdentity, type TestIdentity } from '../../fixture.ts'

let identity: TestIdentity
let ms = Date.now()
const pass = (seconds: number): void => {
  ms += seconds * 1000
}
afterEach(() => identity.close())

async function open(options: Partial<ApiOptions>) {
  ms = Date.now()
  identity = await startIdentity({
    clock: { now: () => new Date(ms) },
    loginThrottle: { userFailures: 0, addressFailures: 0 },
    ...options,
  })
  const token = await identity.login()
  const call = (method: string, path: string, body?: unknown) => identity.call(method, path, { token, body })
  const made = await call('POST', '/v3/users', { user: { name: 'ann', password: 'right' } })
  const path = `/v3/users/${made.body.user.id}`
  const tryLogin = async (password: string) => {
    const { status, body } = await identity.call('POST', '/v3/auth/tokens', { body: passwordAuth('ann', password) })
    return { status, message: body.error?.message as string | undefined }
  }
  const fail = async (times: number) => {
    for (let count = 0; count < times; count++) expect((await tryLogin('wrong')).status).toBe(401)
  }
  const change = (user: object) => call('PATCH', path, { user })
  return { call, path, tryLogin, fail, change }
}

test('an account is locked after the limit of failures with the usual 401, and is unlocked after the duration', async () => {
  const { tryLogin, fail } = await open({ securityCompliance: { lockoutFailureAttempts: 3, lockoutDuration: 600 } })
  await fail(2)
  expect((await tryLogin('right')).status).toBe(201)
  await fail(3)
  const locked = await tryLogin('right')
  expect(locked).toEqual({ status: 401, message: 'The request you have made requires authentication.' })
  pass(599)
  await fail(1)
  expect((await tryLogin('right')).status).toBe(401)
  pass(1)
  expect((await tryLogin('right')).status).toBe(201)
})

test('without a duration an account stays locked until an administrator enables it', async () => {
  const { tryLogin, fail, change } = await open({
    securityCompliance: { lockoutFailureAttempts: 2, lockoutDuration: null },
  })
  await fail(2)
  pass(10 * 365 * 24 * 3600)
  expect((await tryLogin('right')).status).toBe(401)
  expect((await change({ enabled: true })).status).toBe(200)
  expect((await tryLogin('right')).status).toBe(201)
})

test('wrong old passwords of a password change count, and a locked account cannot change its password', async () => {
  const { path, tryLogin, call } = await open({ securityCompliance: { lockoutFailureAttempts: 2 } })
  const change = (original_password: string) =>
    call('POST', `${path}/password`, { user: { original_password, password: 'new one' } })
  for (const guess of ['a', 'b', 'right']) expect((await change(guess)).status).toBe(401)
  expect((await tryLogin('right')).status).toBe(401)
  expect((await tryLogin('new one')).status).toBe(401)
})

test('parallel guesses are limited like sequential ones', async () => {
  const { tryLogin } = await open({ securityCompliance: { lockoutFailureAttempts: 3 } })
  const wrong = Array.from({ length: 12 }, () => tryLogin('wrong'))
  const right = tryLogin('right')
  expect([...new Set((await Promise.all(wrong)).map(({ status }) => status))]).toEqual([401])
  expect((await right).status).toBe(401)
})

test('a user with ignore_lockout_failure_attempts is never locked', async () => {
  const { tryLogin, fail, change } = await open({ securityCompliance: { lockoutFailureAttempts: 2 } })
  expect((await change({ options: { ignore_lockout_failure_attempts: true } })).status).toBe(200)
  await fail(4)
  expect((await tryLogin('right')).status).toBe(201)
})

test('a user without a log-in for the limit of days counts as disabled until enabled, unless exempt', async () => {
  const { call, path, tryLogin, change } = await open({ securityCompliance: { disableUserAccountDaysInactive: 10 } })
  const day = 24 * 3600
  pass(9 * day)
  expect((await tryLogin('right')).status).toBe(201)
  pass(9 * day)
  expect((await call('GET', path)).body.user.enabled).toBe(true)
  pass(2 * day)
  expect((await call('GET', path)).body.user.enabled).toBe(false)
  expect((await tryLogin('right')).status).toBe(401)
  expect((await change({ enabled: true })).body.user.enabled).toBe(true)
  expect((await tryLogin('right')).status).toBe(201)
  pass(20 * day)
  expect((await change({ options: { ignore_user_inactivity: true } })).body.user.enabled).toBe(true)
  expect((await tryLogin('right')).status).toBe(201)
})

test('failed log-ins of a known or unknown user get 429 with Retry-After', async () => {
  const { tryLogin, fail } = await open({ loginThrottle: { userFailures: 3, addressFailures: 0, seconds: 60 } })
  await fail(3)
  expect(await tryLogin('right')).toMatchObject({
    status: 429,
    message: expect.stringContaining('Try again in 20 seconds'),
  })
  const unknown = () => identity.call('POST', '/v3/auth/tokens', { body: passwordAuth('nobody', 'x') })
  for (let count = 0; count < 3; count++) expect((await unknown()).status).toBe(401)
  const refused = await unknown()
  expect([refused.status, refused.headers.get('retry-after'), refused.body.error.code]).toEqual([429, '20', 429])
  pass(20)
  expect((await tryLogin('right')).status).toBe(201)
})
