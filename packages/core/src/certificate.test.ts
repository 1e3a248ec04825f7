import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates, connect as secureConnect } from 'node:tls'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { certificateProblem, createWebServer, openCertificate, readAuthority, silentLog } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'certificate-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)

function make(name: string, ...more: string[]): { certificate: string; key: string } {
  const files = { certificate: at(`${name}.pem`), key: at(`${name}-key.pem`) }
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync(
    'openssl',
    ['req', '-x509', ...kind, ...subject, ...more, '-keyout', files.key, '-out', files.certificate],
    {
      stdio: 'ignore',
    },
  )
  return files
}
const [first, second] = [make('first'), make('second')]

async function listen(more: Partial<Parameters<typeof openCertificate>[0]> = {}) {
  const certificate = openCertificate({ ...first, log: silentLog, watchMs: 20, ...more })
  const server = createWebServer({}, certificate)
  server.on('request', (_request, reply) => reply.end('hello'))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => {
    certificate.close()
    server.closeAllConnections()
    server.close()
  })
  return { certificate, port: (server.address() as AddressInfo).port }
}

/** Common name of the certificate that is served, or the error of the handshake. */
function served(port: number, options: object): Promise<string> {
  return new Promise((resolve) => {
    const call = request({ host: '127.0.0.1', port, agent: false, ...options }, (reply) => {
      const { subject } = (
        reply.socket as unknown as { getPeerCertificate(): { subject: { CN: string } } }
      ).getPeerCertificate()
      reply.resume().on('end', () => resolve(subject.CN))
    })
    call.on('error', (error) => resolve(certificateProblem(error) ?? error.message))
    call.end()
  })
}

const trusting = { ca: [readAuthority(first.certificate), readAuthority(second.certificate)] }

test('a server shows its certificate to who trusts it, and is refused by who does not', async () => {
  const { port } = await listen()
  expect(await served(port, trusting)).toBe('first')
  expect(await served(port, { ca: rootCertificates })).toBe('self-signed certificate')
  expect(await served(port, { ...trusting, maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1' })).toMatch(/alert|protocol/i)
})

test('a certificate that is replaced is served without a restart, and a bad one is not', async () => {
  const own = { certificate: at('own.pem'), key: at('own-key.pem') }
  const put = (from: typeof first) => {
    copyFileSync(from.certificate, own.certificate)
    copyFileSync(from.key, own.key)
  }
  put(first)
  const { port, certificate } = await listen(own)
  put(second)
  await expect.poll(() => served(port, trusting)).toBe('second')
  writeFileSync(own.certificate, 'rubbish')
  certificate.reload()
  expect(await served(port, trusting)).toBe('second')
  copyFileSync(first.certificate, own.certificate)
  certificate.reload()
  expect(await served(port, trusting)).toBe('second')
  copyFileSync(first.key, own.key)
  await expect.poll(() => served(port, trusting)).toBe('first')
})

test('files that cannot work are refused with their name and what is wrong', () => {
  const open = (files: object) => () => openCertificate({ ...first, ...files, log: silentLog })
  expect(open({ certificate: at('none.pem') })).toThrow('none.pem cannot be used for TLS: ENOENT')
  expect(open({ key: second.key })).toThrow('second-key.pem is not that of the certificate')
  expect(open({ certificate: first.key })).toThrow('it holds no PEM block "CERTIFICATE"')
  writeFileSync(at('bad.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
  expect(() => readAuthority(at('bad.pem'))).toThrow('bad.pem cannot be used for TLS')
})

test('a certificate that may not be used as it will be is refused, where clients are verified for them too', () => {
  const limited = (usage: string) => make(usage, '-addext', `extendedKeyUsage=${usage}`)
  const open = (files: object, more: object = {}) => openCertificate({ ...first, ...files, log: silentLog, ...more })
  const between = { clientAuthority: first.certificate }
  open(limited('serverAuth')).close()
  open(limited('serverAuth,clientAuth'), between).close()
  expect(() => open(limited('serverAuth'), between)).toThrow(
    'serverAuth.pem cannot be used for TLS: its extended key usage lacks clientAuth',
  )
  expect(() => open(limited('clientAuth'))).toThrow('its extended key usage lacks serverAuth')
})

test('where clients are verified, who shows no certificate of the authority is cut off', async () => {
  const { port, certificate } = await listen({ clientAuthority: first.certificate })
  expect(await served(port, certificate.clientOptions())).toBe('first')
  for (const stranger of [{}, { cert: readAuthority(second.certificate) }])
    expect(await served(port, { ...trusting, ...stranger })).not.toBe('first')
})

test('who speaks plain HTTP to a TLS port is told so', async () => {
  const { port } = await listen()
  const text = await new Promise<string>((resolve) => {
    let seen = ''
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n'))
    socket.on('data', (data: Buffer) => {
      seen += data
    })
    socket.on('close', () => resolve(seen))
  })
  expect(text).toMatch(/^HTTP\/1\.1 400 .*This port speaks HTTPS only/s)
  expect(await served(port, trusting)).toBe('first')
})

test('a failure that is not of the certificate is none', async () => {
  expect(certificateProblem(new Error('read ECONNRESET'))).toBeNull()
  const refused = new Error('wrapped', {
    cause: new AggregateError([Object.assign(new Error('x'), { code: 'CERT_HAS_EXPIRED' })]),
  })
  expect(certificateProblem(refused)).toBe('x')
  const { port } = await listen()
  const socket = secureConnect({ host: '127.0.0.1', port, ca: trusting.ca, servername: 'elsewhere.example' })
  const error = await new Promise((done) => socket.on('error', done))
  expect(certificateProblem(error)).toContain("Hostname/IP does not match certificate's altnames")
})
