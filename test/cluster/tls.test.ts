import { createHash, randomBytes } from 'node:crypto'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { getCACertificates, connect as secureConnect, setDefaultCACertificates } from 'node:tls'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { login, waitForStatus } from '../client.ts'
import { openStack } from '../clients/openstack.ts'
import { type LabAuthority, type LabCertificate, makeAuthority } from '../lab/certificates.ts'
import { startMariadb } from '../lab/mariadb.ts'
import { startPostgres } from '../lab/postgres.ts'
import { startRabbitmq } from '../lab/rabbitmq.ts'
import { hearthCommand, type Started, start } from '../start.ts'

const folder = mkdtempSync(join(tmpdir(), 'tls-'))
const node = join(import.meta.dirname, '../../node_modules/.bin/node')
const at = (name: string): string => join(folder, name)
const own = { certificate: at('serving.pem'), key: at('serving-key.pem') }

let authority: LabAuthority
let stranger: LabAuthority
let first: LabCertificate
let second: LabCertificate
let suite: Started

/** Puts a certificate where the shared suite serves from. */
function serve(from: LabCertificate): void {
  copyFileSync(from.certificate, own.certificate)
  copyFileSync(from.key, own.key)
}

beforeAll(async () => {
  authority = await makeAuthority(folder)
  stranger = await makeAuthority(folder, 'stranger')
  first = await authority.issue('first')
  second = await authority.issue('second')
  serve(first)
  setDefaultCACertificates([...getCACertificates('default'), authority.pem])
  suite = await start({ config: { tls: { ...own, authority: authority.file } } })
})
afterAll(async () => {
  await suite?.close()
  rmSync(folder, { recursive: true })
})

/** Runs a hearth command with a configuration of its own; what it prints, or its complaint. */
function attempt(config: Record<string, unknown>, argv: string[], secrets?: string): Promise<string> {
  const dataFolder = mkdtempSync(at('data-'))
  if (secrets) copyFileSync(secrets, join(dataFolder, 'secrets.json'))
  writeFileSync(join(dataFolder, 'hearth.yaml'), JSON.stringify({ dataFolder, ...config }))
  return hearthCommand(dataFolder, argv).then(
    ({ stdout }) => stdout,
    (error: { stderr: string }) => error.stderr,
  )
}

async function usesAllServices(started: Started): Promise<void> {
  const cwd = mkdtempSync(at('client-'))
  writeFileSync(join(cwd, 'disk.raw'), randomBytes(1 << 20))
  const cloud = openStack({ ...started.env, OS_CACERT: authority.file }, cwd)
  onTestFinished(() => cloud.close())
  const volume = await cloud.json('volume create --size 1 secure')
  const image = await cloud.json('image create --disk-format raw --file disk.raw secure')
  expect((await cloud.json(`image show ${image.id}`)).status).toBe('active')
  await cloud.run('container create secure')
  await cloud.run('object create secure disk.raw')
  await cloud.run('object save --file back.raw secure disk.raw')
  expect(readFileSync(join(cwd, 'back.raw'))).toEqual(readFileSync(join(cwd, 'disk.raw')))
  const admin = await login(started.urls, started.admin)
  await waitForStatus(admin, `/volumes/${volume.id}`, 'available')
}

test('a suite in two processes uses TLS to its clients, between its services, to MariaDB and to RabbitMQ', async () => {
  const tls = { ...first, authority: authority.file }
  const [database, broker] = await Promise.all([startMariadb(tls), startRabbitmq(tls)])
  onTestFinished(async () => {
    await database.close()
    await broker.close()
  })
  const servers = { database: database.url, bus: broker.url }
  const spread = await start({
    config: { ...servers, tls, databaseTls: {}, busTls: {} },
    processes: [
      ['keystone', 'glance', 'swift', 'cinder.api'],
      ['cinder.scheduler', 'cinder.volume', 'cinder.backup'],
    ],
  })
  onTestFinished(() => spread.close())
  await usesAllServices(spread)
  const wrong = { authority: stranger.file }
  const noDatabase = await attempt({ ...servers, tls, databaseTls: wrong, busTls: {} }, ['migrate'])
  expect(noDatabase).toMatch(/^hearth: databaseTls\.authority: .*not accepted with .*stranger\.pem: [^\n]*$/)
  const badBus = { ...servers, tls, databaseTls: {}, busTls: wrong }
  const secrets = join(spread.dataFolder, 'secrets.json')
  const noBroker = await attempt(badBus, ['run', '--roles', 'cinder.scheduler'], secrets)
  expect(noBroker).toMatch(/^hearth: busTls\.authority: .*not accepted with .*stranger\.pem: [^\n]*$/)
  const byAddress = { ...servers, database: database.url.replace('@localhost', '@127.0.0.1'), tls, databaseTls: {} }
  expect(await attempt(byAddress, ['migrate'])).toContain('databaseTls needs the name of the server')
})

test('PostgreSQL is reached by TLS, and not with a wrong authority or a certificate for another name', async () => {
  const tls = { ...first, authority: authority.file }
  const database = await startPostgres(tls)
  onTestFinished(() => database.close())
  const migrate = (config: Record<string, unknown>) => attempt(config, ['migrate'])
  const server = { database: database.url }
  expect(await migrate({ ...server, databaseTls: { authority: authority.file } })).toContain('keystone: ')
  expect(await migrate({ ...server, databaseTls: { authority: stranger.file } })).toMatch(
    /^hearth: databaseTls\.authority: /,
  )
  expect(await migrate(server)).toContain('no encryption')
  expect(await migrate({ database: `${database.url}?sslmode=require` })).toContain('TLS is configured by databaseTls')
  await database.close()
  const misnamed = await authority.issue('misnamed', ['DNS:elsewhere.example'])
  const other = await startPostgres({ ...misnamed, authority: authority.file })
  onTestFinished(() => other.close())
  const refused = await migrate({ database: other.url, databaseTls: { authority: authority.file } })
  expect(refused).toMatch(/^hearth: databaseTls\.authority: .*does not match certificate's altnames/)
})

/** What hearth status --json prints, as far as it is looked at here. */
interface SuiteStatus {
  ready: boolean
  roles: { url: string | null; ready: boolean }[]
}

test('commands verify as well, and tell clients where the authority is', async () => {
  const { stdout } = await hearthCommand(suite.dataFolder, ['status', '--json'])
  const { ready, roles } = JSON.parse(stdout) as SuiteStatus
  const listening = roles.filter(({ url }) => url !== null)
  expect(ready).toBe(true)
  expect(listening.map(({ url, ready }) => [url!.split(':')[0], ready])).toEqual(Array(4).fill(['https', true]))
  expect((await hearthCommand(suite.dataFolder, ['openrc'])).stdout).toContain(`export OS_CACERT='${authority.file}'`)
  expect((await hearthCommand(suite.dataFolder, ['clouds-yaml'])).stdout).toContain(`cacert: ${authority.file}`)
})

test('who knows another authority is refused by the openstack client, by services and by commands', async () => {
  const cloud = openStack({ ...suite.env, OS_CACERT: stranger.file }, folder)
  onTestFinished(() => cloud.close())
  expect(await cloud.refused('token issue')).toMatch(/certificate verify failed/i)
  const tls = { ...own, authority: stranger.file }
  const distrustful = await start({ config: { tls }, processes: [['keystone', 'glance', 'swift']] })
  onTestFinished(() => distrustful.close())
  const demo = await login(distrustful.urls, distrustful.demo)
  const { id } = (
    await demo.must('image', 'POST', '/images', { json: { disk_format: 'raw', container_format: 'bare' } })
  ).body
  const headers = { 'content-type': 'application/octet-stream' }
  const upload = await demo.call('image', 'PUT', `/images/${id}/file`, { body: 'bytes', headers })
  expect(upload.status).toBeGreaterThanOrEqual(500)
  expect(readFileSync(join(distrustful.dataFolder, 'log', 'hearth.log'), 'utf8')).toMatch(/tls\.authority/)
  const { stdout } = await hearthCommand(distrustful.dataFolder, ['status', '--json']).catch((error) => error)
  expect((JSON.parse(stdout) as SuiteStatus).ready).toBe(false)
})

/** What a command with the variables of a client says when it fails. */
function complaint(argv: string[], env: Record<string, string>): Promise<string> {
  return execa(node, argv, { cwd: folder, env: { ...suite.env, ...env } }).then(
    () => 'it succeeded',
    ({ stderr }: { stderr: string }) => stderr,
  )
}

test('the benchmark and hearth attach trust OS_CACERT, and name the certificate and the setting when it does not fit', async () => {
  const root = join(import.meta.dirname, '../..')
  const bench = [join(root, 'bench/cli.ts'), 'load', 'token-issue', '--seconds', '1']
  expect(await complaint(bench, { OS_CACERT: authority.file })).toBe('it succeeded')
  const named = /^the certificate of https:\S+ is not accepted \(OS_CACERT\): [^\n]*$/
  expect(await complaint(bench, { OS_CACERT: stranger.file })).toMatch(named)
  expect(await complaint(bench, { OS_CACERT: at('none.pem') })).toContain('none.pem cannot be used for TLS')
  const attach = [join(root, 'packages/hearth/hearth.mjs'), 'attach', 'nothing', '--state', at('state')]
  expect(await complaint(attach, { OS_CACERT: authority.file })).toContain('there is no volume nothing')
  const problem = /the certificate of https:\S+ is not accepted \(tls\.authority, OS_CACERT\): /
  expect(await complaint(attach, { OS_CACERT: stranger.file })).toMatch(problem)
})

test('hearth attach names the certificate of block storage when only that is not accepted', async () => {
  const tls = { ...own, authority: authority.file }
  const processes = [['keystone', 'cinder.api', 'cinder.scheduler', 'cinder.volume']]
  const split = await start({ config: { tls, volume: { tls: await stranger.issue('strange') } }, processes })
  onTestFinished(() => split.close())
  const attach = [
    join(import.meta.dirname, '../../packages/hearth/hearth.mjs'),
    'attach',
    'nothing',
    '--state',
    at('state'),
  ]
  const refused = await complaint(attach, { ...split.env, OS_CACERT: authority.file })
  expect(refused).toMatch(
    /the certificate of block storage at https:\S+ is not accepted \(tls\.authority, OS_CACERT\): /,
  )
})

/** Common name of the certificate that a port serves. */
function servedAt(url: string): Promise<string> {
  const { hostname: host, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = secureConnect({ host, port: Number(port) }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

test('a certificate that is replaced is served at once, and a download under way goes on', async () => {
  const client = await login(suite.urls, suite.demo)
  const bytes = randomBytes(24 << 20)
  await client.must('object', 'PUT', '/long')
  await client.must('object', 'PUT', '/long/download', { body: bytes })
  const url = `${suite.urls.object}/v1/AUTH_${client.projectId}/long/download`
  const download = await new Promise<AsyncIterable<Buffer>>((resolve, reject) =>
    get(url, { headers: { 'x-auth-token': client.token }, agent: false }, resolve).on('error', reject),
  )
  const hash = createHash('sha256')
  let isReplaced = false
  for await (const chunk of download) {
    hash.update(chunk)
    if (isReplaced) continue
    isReplaced = true
    expect(await servedAt(url)).toBe('first')
    serve(second)
    process.kill(suite.pid, 'SIGHUP')
    for (const base of Object.values(suite.urls)) await expect.poll(() => servedAt(base)).toBe('second')
  }
  expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'))
  writeFileSync(own.certificate, 'no certificate')
  process.kill(suite.pid, 'SIGHUP')
  const log = () => readFileSync(join(suite.dataFolder, 'log', 'hearth.log'), 'utf8')
  await expect.poll(log).toContain('the old one stays in use')
  expect(await servedAt(url)).toBe('second')
  serve(second)
})

test('plain HTTP to a TLS port is told to use https, and TLS to a plain port fails; both services go on', async () => {
  for (const base of Object.values(suite.urls)) {
    const answer = await fetch(base.replace('https:', 'http:'))
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('HTTPS only')])
    expect((await fetch(new URL('/healthcheck', base))).status).toBe(200)
  }
  const plain = await start({ processes: [['keystone', 'swift']] })
  onTestFinished(() => plain.close())
  for (const base of [plain.urls.identity, plain.urls.object]) {
    await expect(servedAt(base)).rejects.toThrow(/wrong version number|packet length too long|EPROTO|ECONNRESET/)
    expect((await fetch(new URL('/healthcheck', base))).status).toBe(200)
  }
})

test('a thousand handshakes that do not go on are ended in time, and meanwhile others are served', async () => {
  const { hostname, port } = new URL(suite.urls.identity)
  let open = 0
  const sockets = Array.from({ length: 1000 }, () => {
    const socket = connect(Number(port), hostname)
    // The first bytes of a handshake record, whose rest never comes.
    socket.on('connect', () => {
      open += 1
      socket.write(Buffer.from([22, 3, 1, 2, 0]))
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      open -= 1
    })
    return socket
  })
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  await expect.poll(() => open, { timeout: 10_000 }).toBe(1000)
  const url = new URL('/healthcheck', suite.urls.identity)
  expect((await fetch(url, { signal: AbortSignal.timeout(5000) })).status).toBe(200)
  for (let waited = 0; open > 0 && waited < 30; waited += 1) await sleep(1000)
  expect(open).toBe(0)
})
