import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { freshClient, login, waitForStatus } from '../client.ts'
import { freePort } from '../lab/daemon.ts'
import { hearthCommand, removeDataFolder, type Started, start } from '../start.ts'

const suites: Started[] = []
afterAll(async () => {
  for (const suite of suites) {
    await suite.close()
    await removeDataFolder(suite.dataFolder)
  }
})

async function startKept(...options: Parameters<typeof start>): Promise<Started> {
  const suite = await start(...options)
  suites.push(suite)
  return suite
}

const createVolume = { json: { volume: { size: 1 } } }

test("an operator's policy makes creating volumes the administrator's, after a restart", async () => {
  const first = await start()
  const { dataFolder } = first
  const member = await freshClient(first.urls, first.admin)
  expect((await member.call('volume', 'POST', '/volumes', createVolume)).status).toBe(202)
  await first.kill9()
  writeFileSync(join(dataFolder, 'policy.yaml'), '"volume:create": "rule:admin_api"\n')
  const second = await startKept({ dataFolder, config: { volume: { policyFile: 'policy.yaml' } } })
  const refused = await (await login(second.urls, second.demo)).call('volume', 'POST', '/volumes', createVolume)
  expect(refused.status).toBe(403)
  expect(refused.body.forbidden.message).toBe("Policy doesn't allow volume:create to be performed.")
  const admin = await login(second.urls, second.admin)
  expect((await admin.call('volume', 'POST', '/volumes', createVolume)).status).toBe(202)
  const { stdout } = await hearthCommand(dataFolder, ['policies', '--json'])
  const rules = JSON.parse(stdout) as { name: string; overridden: boolean }[]
  expect(rules.filter((rule) => rule.overridden).map((rule) => rule.name)).toEqual(['volume:create'])
})

test('a Keystone elsewhere takes the place of ours', async () => {
  const home = await startKept()
  const admin = await login(home.urls, home.admin)
  const password = 'a-password-of-ours'
  const { user } = (await admin.must('identity', 'POST', '/users', { json: { user: { name: 'hearth', password } } }))
    .body
  const { projects } = (await admin.must('identity', 'GET', '/projects?name=service')).body
  for (const name of ['admin', 'service', 'ResellerAdmin']) {
    const { roles } = (await admin.must('identity', 'GET', `/roles?name=${name}`)).body
    await admin.must('identity', 'PUT', `/projects/${projects[0].id}/users/${user.id}/roles/${roles[0].id}`)
  }
  const foreign = { authUrl: home.urls.identity, username: 'hearth', password }
  const guest = await startKept({ config: { identity: { foreign } } })
  const client = await login({ ...guest.urls, identity: home.urls.identity }, home.demo)
  expect((await client.call('volume', 'GET', '/volumes')).status).toBe(200)
  expect((await client.call('image', 'GET', '/images')).status).toBe(200)
  expect((await client.call('object', 'PUT', '/box')).status).toBe(201)
  expect((await client.call('volume', 'GET', '/volumes', { headers: { 'x-auth-token': 'nobody' } })).status).toBe(401)
})

test('status, metrics and health are told of every service, for people and for programs', async () => {
  const suite = await startKept()
  const { stdout } = await hearthCommand(suite.dataFolder, ['status', '--json'])
  const { ready, roles, checks } = JSON.parse(stdout) as {
    ready: boolean
    roles: { role: string; url: string | null; ready: boolean }[]
    checks: { name: string; ok: boolean }[]
  }
  expect([ready, roles.filter((role) => role.ready).length, roles.filter((role) => role.url !== null).length]).toEqual([
    true,
    9,
    4,
  ])
  expect(checks.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['disk space', 'database of cinder', 'bus', 'object device sd1', 'image store swift']),
  )
  for (const { url } of roles.filter((role) => role.url !== null)) {
    const secrets = JSON.parse(readFileSync(join(suite.dataFolder, 'secrets.json'), 'utf8')) as { metrics: string }
    const metrics = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${secrets.metrics}` } })
    expect([metrics.status, await metrics.text()]).toEqual([
      200,
      expect.stringContaining('hearth_http_request_seconds'),
    ])
  }
  const doctor = JSON.parse((await hearthCommand(suite.dataFolder, ['doctor', '--json'])).stdout) as { name: string }[]
  expect(doctor.map((finding) => finding.name)).toEqual(
    expect.arrayContaining(['root', 'reflink', 'LIO', 'tgtd', 'NFS']),
  )
  expect((await hearthCommand(suite.dataFolder, ['openrc'])).stdout).toContain(
    `export OS_PASSWORD='${suite.demo.password}'`,
  )
  expect((await hearthCommand(suite.dataFolder, ['migrate'])).stdout).toContain('up to date')
  const second = await execa(
    process.execPath,
    ['packages/hearth/hearth.mjs', '--config', join(suite.dataFolder, 'hearth.yaml'), 'up'],
    {
      reject: false,
    },
  )
  expect([second.exitCode, second.stderr]).toEqual([1, expect.stringContaining('running already')])
})

test('metrics with an address of their own are there alone', async () => {
  const port = await freePort()
  const suite = await startKept({ config: { metrics: { address: `127.0.0.1:${port}` } } })
  const own = await fetch(`http://127.0.0.1:${port}/metrics`)
  expect([own.status, await own.text()]).toEqual([200, expect.stringContaining('hearth_http_request_seconds')])
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404)
  for (const url of Object.values(suite.urls))
    expect(await (await fetch(new URL('/metrics', url))).text()).not.toContain('hearth_http')
})

test('the suite runs in the background until it is taken down, and goes on where it was', async () => {
  const first = await startKept()
  const admin = await login(first.urls, first.admin)
  const { volume } = (await admin.must('volume', 'POST', '/volumes', createVolume)).body
  await first.kill9()
  const up = await hearthCommand(first.dataFolder, ['up', '--detach'])
  expect(up.stdout).toContain('Hearth is ready, in the background')
  const shown = await (await login(first.urls, first.admin)).call('volume', 'GET', `/volumes/${volume.id}`)
  expect(shown.status).toBe(200)
  expect((await hearthCommand(first.dataFolder, ['down'])).stdout).toContain('Stopped.')
  await expect(fetch(first.urls.volume)).rejects.toThrow('fetch failed')
  expect((await hearthCommand(first.dataFolder, ['down'])).stdout).toContain('Nothing runs')
})

test('a backend that is down is told by the start, status, doctor and the role, while the rest is ready', async () => {
  const taken = createServer()
  const port = await new Promise<number>((done) =>
    taken.listen(0, '127.0.0.1', () => done((taken.address() as { port: number }).port)),
  )
  onTestFinished(() => void taken.close())
  const suite = await startKept({ config: { volume: { portals: [`127.0.0.1:${port}`] } } })
  const said = readFileSync(join(suite.dataFolder, 'out-up.txt'), 'utf8')
  expect(said).toMatch(new RegExp(`Hearth is ready[^]*! block storage: backend .*@file is DOWN: .*127.0.0.1:${port}`))
  const command = (...words: string[]) =>
    execa('./hearth', ['--config', join(suite.dataFolder, 'hearth.yaml'), ...words], { reject: false })
  const status = await command('status')
  expect([status.exitCode, status.stdout]).toEqual([1, expect.stringMatching(/cinder\.volume .* NO: backend .*@file/)])
  const doctor = await command('doctor')
  expect([doctor.exitCode, doctor.stdout]).toEqual([1, expect.stringContaining(`127.0.0.1:${port} is in use by`)])
  for (const url of Object.values(suite.urls))
    expect((await fetch(new URL('/healthcheck?ready', url))).status, url).toBe(200)
})

test('down --all ends the targets that a killed suite has left, and their mount', async () => {
  const suite = await start()
  await suite.kill9()
  const left = () => readFileSync('/proc/self/mounts', 'utf8').includes(suite.dataFolder)
  const pidFile = join(suite.dataFolder, 'run/tgtd/tgtd.pid')
  const pid = Number(readFileSync(pidFile, 'utf8'))
  expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toContain(pidFile)
  const { stdout } = await hearthCommand(suite.dataFolder, ['down', '--all'])
  expect(stdout).toContain(`tgtd (process ${pid}) is ended; nobody used it.`)
  // One that has ended and was not waited for yet has no command line.
  expect(existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '').toBe('')
  expect(left()).toBe(false)
  await removeDataFolder(suite.dataFolder)
})

test('passwords that were changed in secrets.json are those of the users after a restart, of people and of services', async () => {
  const first = await start()
  const { dataFolder } = first
  await first.kill9()
  const file = join(dataFolder, 'secrets.json')
  const secrets = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>
  writeFileSync(file, JSON.stringify({ ...secrets, demo: 'chosen by hand', cinder: 'chosen too', glance: 'as well' }))
  const second = await startKept({ dataFolder })
  expect(second.demo.password).toBe('chosen by hand')
  const client = await login(second.urls, second.demo)
  await expect(login(second.urls, first.demo)).rejects.toThrow('401')
  const json = { name: 'small', disk_format: 'raw', container_format: 'bare' }
  const image = (await client.must('image', 'POST', '/images', { json })).body
  const headers = { 'content-type': 'application/octet-stream' }
  await client.must('image', 'PUT', `/images/${image.id}/file`, { body: Buffer.alloc(1 << 20, 7), headers })
  const { body } = await client.must('volume', 'POST', '/volumes', {
    json: { volume: { size: 1, imageRef: image.id } },
  })
  await waitForStatus(client, `/volumes/${body.volume.id}`, 'available')
})

test('no password and no token gets into the log', async () => {
  const suite = await startKept({ config: { log: { level: 'trace' } } })
  const client = await login(suite.urls, suite.demo)
  const { volume } = (await client.must('volume', 'POST', '/volumes', createVolume)).body
  const path = `/volumes/${volume.id}`
  await waitForStatus(client, path, 'available')
  const connector = { initiator: 'iqn.1993-08.org.debian:01:test', host: 'tester' }
  const action = { json: { 'os-initialize_connection': { connector } } }
  const { body } = await client.must('volume', 'POST', `${path}/action`, action)
  await client.call('identity', 'GET', '/auth/tokens', { headers: { 'x-subject-token': client.token } })
  await client.must('object', 'PUT', '/box', { headers: { 'x-container-meta-temp-url-key': 'a-key-of-the-owner' } })
  const log = readFileSync(join(suite.dataFolder, 'log', 'hearth.log'), 'utf8')
  expect(log).toContain(volume.id)
  const secrets = Object.values(JSON.parse(readFileSync(join(suite.dataFolder, 'secrets.json'), 'utf8')) as object)
  for (const secret of [...secrets, client.token, body.connection_info.data.auth_password, 'a-key-of-the-owner'])
    expect(log).not.toContain(secret)
})

test('ports that are taken are told all at once, each with its key, its variable and who has it', async () => {
  const taken = createServer()
  const port = await new Promise<number>((done) =>
    taken.listen(0, '127.0.0.1', () => done((taken.address() as { port: number }).port)),
  )
  onTestFinished(() => void taken.close())
  const message = await start({ config: { image: { port }, volume: { port } } }).catch((error: Error) => error.message)
  for (const key of ['image', 'volume'])
    expect(message).toContain(
      `${key}.port: 127.0.0.1:${port} is in use by ${readFileSync('/proc/self/comm', 'utf8').trim()} (process ${process.pid}); choose another with ${key}.port or HEARTH_${key.toUpperCase()}__PORT`,
    )
})

test('fewer object devices than replicas are refused with both numbers', async () => {
  const devices = [{ path: 'only-one' }]
  await expect(start({ config: { object: { devices } } })).rejects.toThrow(/3.*1|1.*3/)
})

test('a wrong key of the configuration is refused with its name, its value and the rule', async () => {
  await expect(start({ config: { volume: { port: 99999 } } })).rejects.toThrow('volume.port: 99999 must be <= 65535')
})
