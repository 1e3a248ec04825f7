import { createHmac } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, login } from '../client.ts'
import { type LabAuthority, type LabCertificate, makeAuthority } from '../lab/certificates.ts'
import { answers, asUser, freePort, program, type RunningDaemon, startDaemon } from '../lab/daemon.ts'
import { type Started, start } from '../start.ts'

const folder = mkdtempSync(join(tmpdir(), 'proxy-'))
const document = readFileSync(join(import.meta.dirname, '../../TLS.md'), 'utf8')
const documented = (language: string): string => new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(document)![1]!

let authority: LabAuthority
let certificate: LabCertificate
let suite: Started
let client: Client
const daemons: RunningDaemon[] = []
const key = 'a-key-for-links'

beforeAll(async () => {
  authority = await makeAuthority(folder)
  certificate = await authority.issue('front')
  setDefaultCACertificates([...getCACertificates('default'), authority.pem])
  suite = await start({ config: { trustedProxies: ['127.0.0.1'] }, processes: [['keystone', 'swift']] })
  client = await login(suite.urls, suite.demo)
  await client.must('object', 'POST', '', { headers: { 'x-account-meta-temp-url-key': key } })
  await client.must('object', 'PUT', '/box', {
    headers: { 'x-container-read': '.r:*', 'x-container-meta-web-index': 'i' },
  })
  await client.must('object', 'PUT', '/box/a%2Fb%20c', { body: 'the bytes' })
})
afterAll(async () => {
  for (const daemon of daemons) await daemon.stop('SIGTERM')
  await suite?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The text with the port of the suite and of the test in place of the documented ones. */
function adapted(text: string, port: number, pem: string): string {
  return text
    .replaceAll('203.0.113.1:8080', `127.0.0.1:${port}`)
    .replaceAll('127.0.0.1:8080', new URL(suite.urls.object).host)
    .replaceAll('/etc/ssl/cloud.pem', certificate.certificate)
    .replaceAll('/etc/ssl/cloud-key.pem', certificate.key)
    .replaceAll('/etc/ssl/cloud-and-key.pem', pem)
}

async function startNginx(port: number): Promise<void> {
  const own = join(folder, 'nginx')
  mkdirSync(own)
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${own}/${name};`)
  const http = `http { access_log off; ${places.join(' ')}\n${adapted(documented('nginx'), port, '')}}`
  writeFileSync(join(own, 'nginx.conf'), `daemon off; master_process off; pid ${own}/pid; events {}\n${http}`)
  const command = [await program('nginx', 'nginx-light'), '-e', 'stderr', '-c', join(own, 'nginx.conf')]
  daemons.push(await startDaemon({ command: asUser(undefined, command), folder: own, ready: () => answers(port) }))
}

async function startHaproxy(port: number): Promise<void> {
  const own = join(folder, 'haproxy')
  mkdirSync(own)
  const pem = join(own, 'both.pem')
  writeFileSync(pem, readFileSync(certificate.certificate, 'utf8') + readFileSync(certificate.key, 'utf8'))
  const times = ['connect 5s', 'client 1m', 'server 1m'].map((time) => `  timeout ${time}\n`).join('')
  writeFileSync(join(own, 'haproxy.cfg'), `defaults\n  mode http\n${times}${adapted(documented('haproxy'), port, pem)}`)
  const command = [await program('haproxy', 'haproxy'), '-db', '-f', join(own, 'haproxy.cfg')]
  daemons.push(await startDaemon({ command: asUser(undefined, command), folder: own, ready: () => answers(port) }))
}

interface Got {
  status: number
  location: string | undefined
  text: string
}

/** A GET by TLS from one of this host's loopback addresses. */
function get(port: number, path: string, from: string, headers: Record<string, string> = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, localAddress: from, agent: false, headers }
    const call = request(options, (reply) => {
      let text = ''
      reply.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      reply.on('end', () => resolve({ status: reply.statusCode!, location: reply.headers.location, text }))
    })
    call.on('error', reject).end()
  })
}

function linkFor(address: string): string {
  const path = `/v1/AUTH_${client.projectId}/box/a/b c`
  const expires = Math.floor(Date.now() / 1000) + 600
  const text = `ip=${address}\nGET\n${expires}\n${path}`
  const signature = createHmac('sha256', key).update(text).digest('hex')
  const query = new URLSearchParams({
    temp_url_sig: signature,
    temp_url_expires: String(expires),
    temp_url_ip_range: address,
  })
  return `/v1/AUTH_${client.projectId}/box/a%2Fb%20c?${query}`
}

test.each([
  ['nginx', startNginx],
  ['HAProxy', startHaproxy],
])('%s, set up as documented, hands on names, links and the address of the client', async (_name, startProxy) => {
  const port = await freePort()
  await startProxy(port)
  const link = linkFor('127.0.0.7')
  expect(await get(port, link, '127.0.0.7')).toMatchObject({ status: 200, text: 'the bytes' })
  const pretending = { 'x-forwarded-for': '127.0.0.7', forwarded: 'for=127.0.0.7' }
  expect((await get(port, link, '127.0.0.8', pretending)).status).toBe(401)
  const moved = await get(port, `/v1/AUTH_${client.projectId}/box`, '127.0.0.8', { 'x-web-mode': 'true' })
  expect([moved.status, moved.location]).toEqual([301, `https://127.0.0.1:${port}/v1/AUTH_${client.projectId}/box/`])
})
