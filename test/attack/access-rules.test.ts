import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { type Answer, type Client, freshClient } from '../client.ts'
import { suite } from '../suite.ts'
import { longestHealthMs, watchHealth } from './watch.ts'

interface Rule {
  service: string
  method: string
  path: string
}

/** Makes an application credential with these rules. */
async function makeCredential(owner: Client, rules: Rule[]): Promise<Answer> {
  const json = { application_credential: { name: randomUUID(), access_rules: rules } }
  return owner.call('identity', 'POST', `/users/${owner.userId}/application_credentials`, { json })
}

/** Logs in with a new application credential that has these rules; throws when it cannot. */
async function ruledToken(owner: Client, rules: Rule[]): Promise<string> {
  const { id, secret } = (await makeCredential(owner, rules)).body.application_credential
  const auth = { identity: { methods: ['application_credential'], application_credential: { id, secret } } }
  const response = await fetch(`${suite().urls.identity}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth }),
  })
  const token = response.headers.get('x-subject-token')
  if (!token) throw new Error(`login returned ${response.status}`)
  return token
}

const objectRule = (owner: Client, method: string, path: string): Rule => ({
  service: 'object-store',
  method,
  path: `/v1/AUTH_${owner.projectId}${path}`,
})

/** Asks the object store with a token of its own; returns the status. */
const asking =
  (owner: Client, token: string) =>
  async (method: string, path: string, options: Parameters<Client['call']>[3] = {}): Promise<number> =>
    (await owner.call('object', method, path, { ...options, headers: { 'x-auth-token': token, ...options.headers } }))
      .status

async function fill(owner: Client): Promise<void> {
  for (const container of ['open', 'shut']) {
    await owner.must('object', 'PUT', `/${container}`)
    await owner.must('object', 'PUT', `/${container}/thing`, { body: container })
  }
}

test('a rule made to backtrack is refused, and one with many wildcards holds no service up', async () => {
  const owner = await freshClient(suite().urls, suite().admin)
  const hostile = (wildcards: number): Rule => ({
    service: 'image',
    method: 'GET',
    path: `/${'**a'.repeat(wildcards)}b`,
  })
  expect((await makeCredential(owner, [hostile(12)])).status).toBe(400)
  const rules = Array.from({ length: 30 }, (_, index) => ({ ...hostile(8), path: `${hostile(8).path}${index}` }))
  const token = await ruledToken(owner, rules)
  const { result, slowest } = await watchHealth(async () => {
    const url = `${suite().urls.image}/v2/images/${'a'.repeat(4000)}`
    const asked = Array.from({ length: 20 }, () => fetch(url, { headers: { 'x-auth-token': token } }))
    return (await Promise.all(asked)).map((response) => response.status)
  })
  expect(new Set(result)).toEqual(new Set([401]))
  expect(Math.max(...Object.values(slowest))).toBeLessThan(longestHealthMs)
})

test('a credential for images alone can neither read nor write objects', async () => {
  const owner = await freshClient(suite().urls, suite().admin)
  await fill(owner)
  const ask = asking(owner, await ruledToken(owner, [{ service: 'image', method: 'GET', path: '/v2/images' }]))
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'])
    expect([method, await ask(method, '/open')]).toEqual([method, 401])
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'])
    expect([method, await ask(method, '/open/thing')]).toEqual([method, 401])
  expect(await ask('GET', '')).toBe(401)
  expect(await ask('COPY', '/open/thing', { headers: { destination: 'open/other' } })).toBe(401)
  expect((await owner.call('object', 'GET', '/open/thing')).body).toBe('open')
})

test('each method on an object needs a rule of its own', async () => {
  const owner = await freshClient(suite().urls, suite().admin)
  await fill(owner)
  for (const method of ['GET', 'HEAD', 'PUT', 'POST', 'DELETE']) {
    const ask = asking(owner, await ruledToken(owner, [objectRule(owner, method, '/open/*')]))
    for (const tried of ['GET', 'HEAD', 'PUT', 'POST', 'DELETE']) {
      const status = await ask(tried, '/open/thing')
      expect([method, tried, status < 300]).toEqual([method, tried, method === tried])
    }
    expect(await ask(method, '/shut/thing')).toBe(401)
    expect(await ask(method, '/open')).toBe(401)
    await owner.must('object', 'PUT', '/open/thing', { body: 'open' })
  }
})

test('an escaped slash does not turn a rule for containers into one for objects', async () => {
  const owner = await freshClient(suite().urls, suite().admin)
  await fill(owner)
  const ask = asking(owner, await ruledToken(owner, [objectRule(owner, 'GET', '/*')]))
  expect(await ask('GET', '/open')).toBe(200)
  expect(await ask('GET', '/open%2Fthing')).toBe(401)
})

test('a copy needs a rule for its source as well', async () => {
  const owner = await freshClient(suite().urls, suite().admin)
  await fill(owner)
  const rules = [objectRule(owner, 'PUT', '/open/**'), objectRule(owner, 'GET', '/open/**')]
  const ask = asking(owner, await ruledToken(owner, rules))
  const from = (source: string) => ({ headers: { 'x-copy-from': source, 'content-length': '0' } })
  expect(await ask('PUT', '/open/copied', from('shut/thing'))).toBe(401)
  expect(await ask('GET', '/open/copied')).toBe(404)
  expect(await ask('PUT', '/open/copied', from('open/thing'))).toBe(201)
  expect(await ask('COPY', '/open/thing', { headers: { destination: 'open/other' } })).toBe(401)
})

test('links and manifests open nothing that no rule names, and still open what one does', async () => {
  const owner = await freshClient(suite().urls, suite().admin)
  await fill(owner)
  const rules = [objectRule(owner, 'PUT', '/open/**'), objectRule(owner, 'GET', '/open/**')]
  const ask = asking(owner, await ruledToken(owner, rules))
  const point = async (name: string, target: string): Promise<number[]> => {
    await ask('PUT', `/open/${name}-dlo`, { headers: { 'x-object-manifest': target, 'content-length': '0' } })
    await ask('PUT', `/open/${name}-link`, { headers: { 'x-symlink-target': target, 'content-length': '0' } })
    const body = JSON.stringify([{ path: `/${target}` }])
    await owner.must('object', 'PUT', `/open/${name}-slo?multipart-manifest=put`, { body })
    return Promise.all(['dlo', 'link', 'slo'].map((kind) => ask('GET', `/open/${name}-${kind}`)))
  }
  expect(await point('to-shut', 'shut/thing')).toEqual([401, 401, 401])
  expect(await point('to-open', 'open/thing')).toEqual([200, 200, 200])
})

test('a bulk deletion deletes only what a rule names', async () => {
  const owner = await freshClient(suite().urls, suite().admin)
  await fill(owner)
  const rules = [objectRule(owner, 'POST', ''), objectRule(owner, 'DELETE', '/open/*')]
  const token = await ruledToken(owner, rules)
  const headers = { 'x-auth-token': token, 'content-type': 'text/plain', accept: 'application/json' }
  const body = 'open/thing\nshut/thing\n'
  const report = await owner.must('object', 'POST', '?bulk-delete', { headers, body })
  expect(report.body).toMatchObject({ 'Number Deleted': 1, Errors: [['/shut/thing', '401 Unauthorized']] })
  expect((await owner.call('object', 'GET', '/shut/thing')).status).toBe(200)
})

test('a credential limited to one project is still no way into another', async () => {
  const { urls, admin } = suite()
  const owner = await freshClient(urls, admin)
  const other = await freshClient(urls, admin)
  await fill(other)
  const ask = asking(other, await ruledToken(owner, [objectRule(other, 'GET', '/**')]))
  expect(await ask('GET', '/open/thing')).toBe(403)
})
