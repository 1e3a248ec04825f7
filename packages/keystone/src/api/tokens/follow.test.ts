import {
  openForeignAuthenticator,
  openRemoteAuthenticator,
  openServiceSession,
  type RemoteOptions,
  type ServiceSession,
  sendWithToken,
} from '@hearth/auth'
import { silentLog } from '@hearth/core'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { projectScope, startIdentity, type TestIdentity } from '../../fixture.ts'
import { rotateSigningKeys } from '../../model/tokens/keys.ts'

let identity: TestIdentity
let admin: string
beforeAll(async () => {
  identity = await startIdentity()
  admin = await identity.login()
})
afterAll(() => identity.close())
afterEach(() => vi.restoreAllMocks())

const path = '/.well-known/revocations'

function openSession(authUrl = identity.url): ServiceSession {
  return openServiceSession({ authUrl, username: 'glance', password: 'secret-g', projectName: 'service' })
}

const follow = (more: Partial<RemoteOptions> = {}) =>
  openRemoteAuthenticator({ authUrl: identity.url, session: openSession(), log: silentLog, pollMs: 20, ...more })

const logOut = (token: string) =>
  identity.call('DELETE', '/v3/auth/tokens', { token, headers: { 'x-subject-token': token } })

/** Advances the monotonic clock. */
function passSeconds(seconds: number): void {
  const real = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => real() + seconds * 1000)
}

test('only services and administrators can read the revocations, one page at a time', async () => {
  const demo = await identity.login('demo', 'secret-d', projectScope('demo'))
  expect((await identity.call('GET', path)).status).toBe(401)
  expect((await identity.call('GET', path, { token: demo })).status).toBe(403)
  const { last } = (await identity.call('GET', path, { token: admin })).body
  const rows = Array.from({ length: 1001 }, (_, index) => ({
    sequence: last + index + 1,
    user_id: `nobody-${index}`,
    issued_before: Date.now(),
    revoked_at: Date.now(),
  }))
  await identity.database.query('revocation_counter').update({ value: last + 1001 })
  for (let at = 0; at < rows.length; at += 50)
    await identity.database.query('revocation_events').insert(rows.slice(at, at + 50))
  const service = await openSession().token()
  const first = (await identity.call('GET', `${path}?after=${last}`, { token: service })).body
  expect(first).toMatchObject({ last: last + 1001, keyIds: [expect.any(String)] })
  expect(first.events).toHaveLength(1000)
  const second = (await identity.call('GET', `${path}?after=${last + 1000}`, { token: service })).body
  expect(second.events).toMatchObject([{ userId: 'nobody-1000' }])
  for (const after of ['x', '-1', '1e3', '99999999999999999'])
    expect((await identity.call('GET', `${path}?after=${after}`, { token: service })).status).toBe(400)
})

test('a remote authenticator learns of revocations, of new keys and of removed keys', async () => {
  const authenticator = await follow()
  const token = await identity.login('demo', 'secret-d', projectScope('demo'))
  expect(await authenticator.authenticate(token)).toMatchObject({ userName: 'demo' })
  await logOut(token)
  await vi.waitFor(async () => expect(await authenticator.authenticate(token)).toBeNull(), 5000)
  const old = await identity.login()
  await rotateSigningKeys(identity.database, 'wrapping', false)
  await vi.waitFor(async () => expect((await identity.login()).split('.')[1]).not.toBe(old.split('.')[1]), 5000)
  admin = await identity.login()
  expect(await authenticator.authenticate(admin)).toMatchObject({ userName: 'admin' })
  expect(await authenticator.authenticate(old)).toMatchObject({ userName: 'admin' })
  await identity.database
    .query('signing_keys')
    .where({ id: old.split('.')[1] })
    .delete()
  await vi.waitFor(async () => expect(await authenticator.authenticate(old).catch(() => null)).toBeNull(), 5000)
  await authenticator.close()
})

test('unknown key ids cause no requests to the identity service', async () => {
  const authenticator = await follow({ pollMs: 100 })
  const [, , claims, signature] = admin.split('.')
  const asked = vi.spyOn(globalThis, 'fetch')
  const made = Array.from({ length: 500 }, (_, index) => `hth.key${index}.${claims}.${signature}`)
  const begun = performance.now()
  expect(new Set(await Promise.all(made.map((token) => authenticator.authenticate(token))))).toEqual(new Set([null]))
  expect(new Set(await Promise.all(made.map((token) => authenticator.authenticate(token))))).toEqual(new Set([null]))
  expect(asked.mock.calls.length).toBeLessThanOrEqual(2 + (performance.now() - begun) / 100)
  await authenticator.close()
})

test('a service that starts without the identity service responds with 503 until it has the revocations', async () => {
  const away = { authUrl: 'http://127.0.0.1:9', session: openSession('http://127.0.0.1:9') }
  const authenticator = await follow(away)
  await expect(authenticator.authenticate(admin)).rejects.toMatchObject({ status: 503 })
  expect(await authenticator.authenticate('no token of ours')).toBeNull()
  await authenticator.close()
})

test('a service without news of revocations for too long responds with 503', async () => {
  const other = await startIdentity()
  const token = await other.login()
  const authenticator = await follow({ authUrl: other.url, session: openSession(other.url), maxLagMs: 60_000 })
  expect(await authenticator.authenticate(token)).toMatchObject({ userName: 'admin' })
  await other.close()
  expect(await authenticator.authenticate(token)).toMatchObject({ userName: 'admin' })
  passSeconds(61)
  await expect(authenticator.authenticate(token)).rejects.toMatchObject({ status: 503 })
  await authenticator.close()
})

test('a session whose token is refused logs in again, once', async () => {
  const session = openSession()
  const first = await session.token()
  await logOut(first)
  const ask = () =>
    sendWithToken(session, (token) => fetch(identity.url + path, { headers: { 'x-auth-token': token } }))
  expect((await ask()).status).toBe(401)
  passSeconds(11)
  expect((await ask()).status).toBe(200)
  expect(await session.token()).not.toBe(first)
  expect(session.refused(first)).toBe(false)
})

test('a session reads the catalog again before it reports a missing endpoint', async () => {
  const session = openSession()
  await expect(session.endpoint('compute')).rejects.toMatchObject({ status: 503 })
  const make = async (kind: string, json: object) =>
    (await identity.call('POST', `/v3/${kind}s`, { token: admin, body: { [kind]: json } })).body[kind]
  const { id } = await make('service', { type: 'compute', name: 'nova' })
  await make('endpoint', { service_id: id, interface: 'public', region_id: 'RegionOne', url: 'http://nova:8774/v2.1' })
  passSeconds(11)
  expect(await session.endpoint('compute')).toBe('http://nova:8774/v2.1')
})

test('each token is validated once at a foreign Keystone, and a revoked token of the session is replaced', async () => {
  const session = openSession()
  const foreign = openForeignAuthenticator({ authUrl: identity.url, session })
  const asked = vi.spyOn(globalThis, 'fetch')
  expect(await foreign.authenticate(admin)).toMatchObject({
    userName: 'admin',
    roles: expect.arrayContaining(['admin']),
  })
  const calls = asked.mock.calls.length
  expect(await foreign.authenticate(admin)).toMatchObject({ userName: 'admin' })
  expect(asked.mock.calls.length).toBe(calls)
  expect(await foreign.authenticate(`${admin}x`)).toBeNull()
  expect(await foreign.authenticate('line\nbreak')).toBeNull()
  asked.mockRestore()
  await logOut(await session.token())
  const fresh = await identity.login()
  await expect(foreign.authenticate(fresh)).rejects.toMatchObject({ status: 503 })
  passSeconds(11)
  expect(await foreign.authenticate(fresh)).toMatchObject({ userName: 'admin' })
})

test('services that enforce access rules can validate tokens with access rules', async () => {
  const demo = await identity.login('demo', 'secret-d', projectScope('demo'))
  const foreign = openForeignAuthenticator({ authUrl: identity.url, session: openSession() })
  const { userId } = (await foreign.authenticate(demo))!
  const rule = { service: 'image', method: 'GET', path: '/v2/images' }
  const made = await identity.call('POST', `/v3/users/${userId}/application_credentials`, {
    token: demo,
    body: { application_credential: { name: 'ruled', access_rules: [rule] } },
  })
  const { id, secret } = made.body.application_credential
  const auth = { identity: { methods: ['application_credential'], application_credential: { id, secret } } }
  const ruled = (await identity.call('POST', '/v3/auth/tokens', { body: { auth } })).headers.get('x-subject-token')!
  expect((await foreign.authenticate(ruled))?.accessRules).toMatchObject([rule])
})
