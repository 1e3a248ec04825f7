import { afterEach, expect, test } from 'vitest'
import type { ApiOptions } from '../../api/role.ts'
import { passwordAuth, startIdentity, type TestIdentity } from '../../fixture.ts'

const day = 24 * 3600 * 1000
let identity: TestIdentity
let ms = Date.now()
const pass = (days: number): void => {
  ms += days * day
}
afterEach(() => identity.close())

async function open(securityCompliance: ApiOptions['securityCompliance'], password = 'first') {
  ms = Date.now()
  identity = await startIdentity({ clock: { now: () => new Date(ms) }, securityCompliance })
  const token = await identity.login()
  const call = (method: string, path: string, body?: unknown) => identity.call(method, path, { token, body })
  const create = (user: object) => call('POST', '/v3/users', { user: { name: 'ann', password, ...user } })
  const made = await create({})
  const path = `/v3/users/${made.body.user?.id}`
  const tryLogin = (word: string) => identity.call('POST', '/v3/auth/tokens', { body: passwordAuth('ann', word) })
  return {
    call,
    made,
    path,
    create,
    tryLogin,
    reset: (user: object) => call('PATCH', path, { user }),
    /** Returns the status of a password change by the user, who has no token. */
    change: async (original_password: string, word: string) => {
      const body = { user: { original_password, password: word } }
      return (await identity.call('POST', `${path}/password`, { body })).status
    },
  }
}

test('a password that the regular expression does not match from its start is refused with the description', async () => {
  const compliance = { passwordRegex: '(?=.*\\d)[a-z\\d]{8,}$', passwordRegexDescription: 'eight letters and a digit' }
  const { made, create, reset, change, call } = await open(compliance, 'password1')
  expect(made.status).toBe(201)
  const refused = await create({ name: 'bob', password: '!password1' })
  expect([refused.status, refused.body.error.message]).toEqual([
    400,
    'The password does not match the requirements: eight letters and a digit.',
  ])
  expect((await reset({ password: 'short1' })).status).toBe(400)
  expect(await change('password1', 'lettersonly')).toBe(400)
  expect(await change('password1', 'letters and a digit 1'.replaceAll(' ', ''))).toBe(204)
  const config = '/v3/domains/default/config/security_compliance'
  expect((await call('GET', config)).body.config.security_compliance).toEqual({
    password_regex: compliance.passwordRegex,
    password_regex_description: compliance.passwordRegexDescription,
  })
  expect((await call('GET', `${config}/password_regex`)).body.config).toEqual({
    password_regex: compliance.passwordRegex,
  })
  expect((await call('GET', `${config}/lockout_duration`)).status).toBe(403)
  expect((await call('PATCH', config, { config: { security_compliance: { password_regex: '.' } } })).status).toBe(403)
})

test('a regular expression that backtracks without end is stopped, and the password is refused', async () => {
  const { made } = await open({ passwordRegex: '(a+)+$' }, `${'a'.repeat(60)}!`)
  expect(made.status).toBe(400)
})

test('an overlong password is refused', async () => {
  const { made } = await open({}, 'x'.repeat(4097))
  expect(made.status).toBe(400)
})

test('passwords expire; only a log-in with the right password learns that, and the password can still be changed', async () => {
  const { made, tryLogin, change, reset, call } = await open({ passwordExpiresDays: 30 })
  expect(made.body.user.password_expires_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
  const listed = async (filter: string) => {
    const { status, body } = await call('GET', `/v3/users?password_expires_at=${filter}`)
    return body.users?.map((user: { name: string }) => user.name) ?? status
  }
  const end = made.body.user.password_expires_at as string
  expect([await listed(`lte:${end}`), await listed(end), await listed(`gt:${end}`)]).toEqual([['ann'], ['ann'], []])
  expect([await listed(`constructor:${end}`), await listed('lt:tomorrow')]).toEqual([400, 400])
  pass(29)
  expect((await tryLogin('first')).body.token.user.password_expires_at).toBe(made.body.user.password_expires_at)
  pass(1)
  const expired = await tryLogin('first')
  expect([expired.status, expired.body.error.message]).toEqual([
    401,
    `The password is expired and needs to be changed for user: ${made.body.user.id}.`,
  ])
  expect((await tryLogin('wrong')).body.error.message).toBe('The request you have made requires authentication.')
  expect(await change('first', 'second')).toBe(204)
  expect((await tryLogin('second')).status).toBe(201)
  pass(31)
  expect((await tryLogin('second')).status).toBe(401)
  expect((await reset({ options: { ignore_password_expiry: true } })).status).toBe(200)
  expect((await tryLogin('second')).status).toBe(201)
})

test('a password set by an administrator must be changed first, unless the user is exempt', async () => {
  const { tryLogin, change, reset, create } = await open({ changePasswordUponFirstUse: true })
  expect((await tryLogin('first')).status).toBe(401)
  expect(await change('first', 'mine')).toBe(204)
  expect((await tryLogin('mine')).status).toBe(201)
  await reset({ password: 'reset' })
  expect((await tryLogin('reset')).status).toBe(401)
  const exempt = { name: 'robot', options: { ignore_change_password_upon_first_use: true } }
  expect((await create(exempt)).body.user.password_expires_at).toBeNull()
})

test('a user may not choose one of the last passwords again, but an administrator may set it', async () => {
  const { change, reset } = await open({ uniqueLastPasswordCount: 3 })
  expect(await change('first', 'first')).toBe(400)
  expect(await change('first', 'second')).toBe(204)
  expect(await change('second', 'third')).toBe(204)
  expect(await change('third', 'first')).toBe(400)
  expect(await change('third', 'fourth')).toBe(204)
  expect(await change('fourth', 'first')).toBe(204)
  expect((await reset({ password: 'fourth' })).status).toBe(200)
})

test('a password that the user chose cannot be changed before its minimum age; one set by an administrator can', async () => {
  const { change } = await open({ minimumPasswordAge: 2 })
  expect(await change('first', 'second')).toBe(204)
  expect(await change('second', 'third')).toBe(400)
  pass(2)
  expect(await change('second', 'third')).toBe(204)
})

test('lock_password lets only administrators change the password, and null removes an option', async () => {
  const { change, reset, made, call, path } = await open({})
  expect((await reset({ options: { lock_password: true } })).body.user.options).toEqual({ lock_password: true })
  expect(await change('first', 'second')).toBe(400)
  expect((await reset({ options: { lock_password: null } })).body.user.options).toEqual({})
  expect(await change('first', 'second')).toBe(204)
  expect(made.body.user.password_expires_at).toBeNull()
  for (const options of [{ no_such_option: true }, { lock_password: 'yes' }, { multi_factor_auth_rules: 'x' }])
    expect((await reset({ options })).status).toBe(400)
  expect((await call('GET', path)).body.user.options).toEqual({})
})
