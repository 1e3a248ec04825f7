import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, connect as secureConnect, setDefaultCACertificates } from 'node:tls'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { login } from '../client.ts'
import { type LabAuthority, makeAuthority } from '../lab/certificates.ts'
import { closeHosts, logOf, openHosts } from './object-hosts.ts'

const folder = mkdtempSync(join(tmpdir(), 'object-hosts-tls-'))
let authority: LabAuthority
let stranger: LabAuthority
let own: Record<string, string>

beforeAll(async () => {
  authority = await makeAuthority(folder)
  stranger = await makeAuthority(folder, 'stranger')
  own = { ...(await authority.issue('own')), authority: authority.file }
  setDefaultCACertificates([...getCACertificates('default'), authority.pem, stranger.pem])
})
afterEach(closeHosts)
afterAll(() => rmSync(folder, { recursive: true }))

/** What a client of the storage plane gets for a request, or the error that ends its connection. */
function asked(port: number, options: object): Promise<string> {
  return new Promise((resolve) => {
    const socket = secureConnect({ host: '127.0.0.1', port, ca: authority.pem, ...options }, () => {
      socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
    })
    socket.on('data', (bytes) => resolve(String(bytes).split('\r\n')[0]!))
    socket.on('error', ({ message }) => resolve(message))
    socket.on('close', () => resolve('closed'))
  })
}

test('object hosts reach each other by TLS with their certificates, and nobody else gets in', async () => {
  const { home, others, ports } = await openHosts({ tls: [own, own, own] })
  const [a, b, c] = await Promise.all(
    [home, ...others].map(({ urls }) => login({ ...urls, identity: home.urls.identity }, home.demo)),
  )
  await a!.must('object', 'PUT', '/box')
  const body = randomBytes(300_000)
  expect((await b!.call('object', 'PUT', '/box/o', { body })).status).toBe(201)
  const url = (base: string): string => `${base}/v1/AUTH_${c!.projectId}/box/o`
  for (const { urls } of [home, ...others]) {
    const reply = await fetch(url(urls.object), { headers: { 'x-auth-token': c!.token } })
    expect(Buffer.from(await reply.arrayBuffer())).toEqual(body)
  }
  const strange = await stranger.issue('strange-client')
  const pem = ({ certificate, key }: Record<string, string>) => ({
    cert: readFileSync(certificate!),
    key: readFileSync(key!),
  })
  for (const port of ports) {
    expect(await asked(port, pem(own))).toMatch(/^HTTP\/1\.1 /)
    for (const options of [{}, pem({ ...strange })])
      expect(await asked(port, options)).toMatch(/alert|closed|ECONNRESET/)
  }
})

test('a host with the certificate of another authority neither gets objects nor reads them, and the log says why', async () => {
  const both = join(folder, 'both.pem')
  writeFileSync(both, authority.pem + stranger.pem)
  const strange = { ...(await stranger.issue('strange')), authority: both }
  const { home, others } = await openHosts({ tls: [own, own, strange] })
  const client = await login(home.urls, home.demo)
  await client.must('object', 'PUT', '/box')
  expect((await client.call('object', 'PUT', '/box/o', { body: 'x' })).status).toBe(201)
  const identity = home.urls.identity
  const trusted = await login({ ...others[0]!.urls, identity }, home.demo)
  expect((await trusted.call('object', 'GET', '/box/o')).status).toBe(200)
  const refused = await login({ ...others[1]!.urls, identity }, home.demo)
  expect((await refused.call('object', 'GET', '/box/o')).status).toBeGreaterThanOrEqual(400)
  expect(logOf(home)).toContain('the certificate of a storage host is not accepted (tls.authority): ')
  expect(logOf(others[1]!)).toContain('a storage host is not reached: ')
})
