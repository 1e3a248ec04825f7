import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { projectScope, startIdentity, type TestIdentity } from '../../fixture.ts'
import { isS3Signature } from '../../model/ec2/signature.ts'

let identity: TestIdentity
let swift: string
let demo: string
let key: { access: string; secret: string; user_id: string; tenant_id: string }

beforeAll(async () => {
  identity = await startIdentity()
  swift = await identity.login('swift', 'secret-s', projectScope('service'))
  demo = await identity.login('demo', 'secret-d', projectScope('demo'))
  const headers = { 'x-subject-token': demo }
  const { token } = (await identity.call('GET', '/v3/auth/tokens', { token: demo, headers })).body
  const path = `/v3/users/${token.user.id}/credentials/OS-EC2`
  const body = { tenant_id: token.project.id }
  key = (await identity.call('POST', path, { token: demo, body })).body.credential
})
afterAll(() => identity.close())

const hmac = (secret: string | Buffer, text: string): Buffer => createHmac('sha256', secret).update(text).digest()

function sign(secret: string, service = 's3', lines = 4) {
  const scope = `20260101/RegionOne/${service}/aws4_request`
  const text = ['AWS4-HMAC-SHA256', '20260101T000000Z', scope, 'a'.repeat(64)].slice(0, lines).join('\n')
  const signing = scope.split('/').reduce<string | Buffer>((part, word) => hmac(part, word), `AWS4${secret}`)
  return { text, signature: hmac(signing, text).toString('hex') }
}

const exchange = (signed: { text: string; signature: string }, token?: string, access = key.access) => {
  const credentials = { access, signature: signed.signature, token: Buffer.from(signed.text).toString('base64url') }
  return identity.call('POST', '/v3/s3tokens', { ...(token ? { token } : {}), body: { credentials } })
}

test('a service exchanges a signature for the identity of its owner', async () => {
  const response = await exchange(sign(key.secret), swift)
  expect(response.status).toBe(200)
  expect(response.body.token).toMatchObject({
    methods: ['ec2credential'],
    user: { name: 'demo' },
    project: { id: key.tenant_id },
  })
  expect(response.headers.get('x-subject-token')).toBeNull()
})

test('other callers, wrong signatures and unknown keys are refused', async () => {
  expect((await exchange(sign(key.secret))).status).toBe(401)
  expect((await exchange(sign(key.secret), demo)).status).toBe(403)
  expect((await exchange(sign('other'), swift)).status).toBe(401)
  expect((await exchange(sign(key.secret), swift, 'unknown')).status).toBe(404)
})

test('only a string in the form of an S3 request is accepted', () => {
  const passes = ({ text, signature }: { text: string; signature: string }) => isS3Signature(text, signature, 'k')
  expect(passes(sign('k'))).toBe(true)
  expect(passes(sign('k', 'sts'))).toBe(true)
  expect(passes(sign('k', 'ec2'))).toBe(false)
  expect(passes(sign('k', 's3', 3))).toBe(false)
  const old = createHmac('sha1', 'k').update('GET\n\n\n').digest('base64')
  expect(isS3Signature('GET\n\n\n', old, 'k')).toBe(true)
})

test('an EC2 request is accepted only for a short time', async () => {
  const ask = (time: Date) => {
    const params: Record<string, string> = {
      SignatureVersion: '2',
      SignatureMethod: 'HmacSHA256',
      AWSAccessKeyId: key.access,
      Timestamp: time.toISOString(),
    }
    const query = Object.keys(params)
      .sort()
      .map((name) => `${name}=${encodeURIComponent(params[name]!)}`)
      .join('&')
    const signature = createHmac('sha256', key.secret).update(`GET\nhost\n/\n${query}`).digest('base64')
    const ec2Credentials = { access: key.access, signature, host: 'host:80', verb: 'GET', path: '/', params }
    return identity.call('POST', '/v3/ec2tokens', { token: swift, body: { ec2Credentials } })
  }
  expect((await ask(new Date())).status).toBe(200)
  expect((await ask(new Date(Date.now() - 20 * 60_000))).status).toBe(401)
})

test('only the owner of a key can see and delete it', async () => {
  const path = `/v3/users/${key.user_id}/credentials/OS-EC2`
  expect((await identity.call('GET', path, { token: demo })).body.credentials).toHaveLength(1)
  const admin = await identity.login()
  const headers = { 'x-subject-token': admin }
  const { id } = (await identity.call('GET', '/v3/auth/tokens', { token: admin, headers })).body.token.user
  expect((await identity.call('GET', `/v3/users/${id}/credentials/OS-EC2`, { token: demo })).status).toBe(403)
  expect((await identity.call('GET', '/v3/credentials', { token: demo })).body.credentials).toHaveLength(1)
  expect((await identity.call('DELETE', `${path}/${key.access}`, { token: demo })).status).toBe(204)
  expect((await identity.call('GET', `${path}/${key.access}`, { token: demo })).status).toBe(404)
})
