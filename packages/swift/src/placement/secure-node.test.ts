import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Certificate, openCertificate, silentLog } from '@hearth/core'
import { addDevice, createBuilder, rebalance, ringOf, writeRing } from '@hearth/ring'
import getPort from 'get-port'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { openCloud } from '../for-tests/cloud.ts'
import { openStorage, storage as storageRole } from '../index.ts'

const folder = mkdtempSync(join(tmpdir(), 'secure-hosts-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A certificate that is its own authority, as one that all hosts of a cluster share may be. */
function make(name: string, clientAuthority?: string): Certificate {
  const [certificate, key] = [join(folder, `${name}.pem`), join(folder, `${name}-key.pem`)] as const
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', certificate], {
    stdio: 'ignore',
  })
  const opened = openCertificate({ certificate, key, clientAuthority: clientAuthority ?? certificate, log: silentLog })
  onTestFinished(() => opened.close())
  return opened
}

test('storage hosts with certificates of one authority serve each other, and nobody else', async () => {
  const port = await getPort({ host: '127.0.0.1' })
  const builder = createBuilder({ partPower: 4, replicas: 1, minPartHours: 0 })
  addDevice(builder, { zone: 1, ip: '127.0.0.1', port, device: 'd1', weight: 1 })
  rebalance(builder, { seed: '1' })
  const file = join(folder, 'object.ring.gz')
  await writeRing(file, ringOf(builder))
  const rings = { account: file, container: file, object: file }
  const common = { rings, salt: { prefix: 'a', suffix: 'b' }, secret: 'shared', log: silentLog, reserve: 0 }
  const certificate = make('ours')
  const dataFolder = join(folder, 'host')
  mkdirSync(dataFolder)
  const devices = [{ id: 'd1', path: join(dataFolder, 'device') }]
  const storage = await openStorage({ ...common, certificate, devices, dataFolder, address: { ip: '127.0.0.1', port } })
  const role = await storageRole({ host: '127.0.0.1', port, log: silentLog, storage })
  onTestFinished(async () => {
    await role.close()
    await storage.close()
  })
  expect(role.url).toBe(`https://127.0.0.1:${port}`)
  const statusWith = async (name: string, shown: Certificate | undefined): Promise<number> => {
    const own = { folder: join(folder, name), devices: [], keepers: false as const }
    mkdirSync(own.folder)
    const cloud = await openCloud({ ...own, storage: { ...common, certificate: shown } })
    onTestFinished(() => cloud.close())
    return (await cloud.call('PUT', `/${name}`)).status
  }
  expect(await statusWith('ours', certificate)).toBe(201)
  expect(await statusWith('plain', undefined)).toBe(503)
  expect(await statusWith('stranger', make('stranger'))).toBe(503)
  // It accepts the host's certificate, but shows one that the host does not accept.
  expect(await statusWith('mixed', make('mixed', join(folder, 'ours.pem')))).toBe(503)
}, 30_000)
