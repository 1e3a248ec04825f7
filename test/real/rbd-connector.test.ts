import { randomUUID } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  type ConnectionInfo,
  type DriverLog,
  quietLog as log,
  openDriver,
  openRunner,
  type VolumeDriver,
} from '@hearth/driver'
import { connectorContract } from '@hearth/driver/contract'
import { afterAll, expect, test } from 'vitest'
import { startCeph } from '../lab/ceph.ts'

const run = openRunner({ log })
const rbd = '@hearth/driver-rbd'
const ceph = await startCeph({ pools: ['volumes'] })
const keyringFile = join(dirname(ceph.conf), 'cinder.keyring')
const keyring = await readFile(keyringFile, 'utf8')
const secret = /key = (\S+)/.exec(keyring)![1]!
const folder = join(dirname(ceph.conf), 'attached')
const volumes: VolumeDriver = await openDriver(
  'volume',
  rbd,
  { conf: ceph.conf, user: 'cinder', keyringFile },
  { run, log },
)
afterAll(async () => {
  await volumes.close?.()
  await ceph.close()
})

const openConnector = (heard: DriverLog, more: object = {}) =>
  openDriver(
    'connector',
    rbd,
    { folder, method: 'fuse', connectTimeoutSeconds: 3, ...more },
    { run: openRunner({ log: heard }), log: heard },
  )

async function offer(sizeBytes = 1024 ** 3) {
  const id = randomUUID()
  const volume = { id, name: `volume-${id}`, sizeGiB: sizeBytes / 1024 ** 3 }
  await volumes.create(volume)
  const connection = (await volumes.connection(volume)) as ConnectionInfo & { kind: 'network' }
  return {
    connection: { driver_volume_type: connection.driver_volume_type, data: connection.data },
    address: await volumes.address!(volume),
    grow: (bytes: number) => volumes.extend(volume, bytes / 1024 ** 3),
    remove: () => volumes.delete(volume),
  }
}

connectorContract({
  name: 'rbd, as a file',
  open: openConnector,
  volume: offer,
  run,
  abilities: { heldOpen: true, extend: true },
  async wrongSecret() {
    const { connection } = await offer()
    // Of a key's form, but another one.
    const wrong = `${secret.slice(0, -10)}AAAAAAA${secret.slice(-3)}`
    return { ...connection, data: { ...connection.data, keyring: keyring.replace(secret, wrong) } }
  },
  async unreachable() {
    const { connection } = await offer()
    return { ...connection, data: { ...connection.data, ports: ['1'] } }
  },
  async attached() {
    const mounts = await readFile('/proc/mounts', 'utf8')
    return mounts.split('\n').filter((line) => line.includes(folder))
  },
  secrets: [secret],
})

test('a connection without a keyring uses the ceph.conf of the host', async () => {
  const { connection, address, remove } = await offer()
  const { keyring: _, ...data } = connection.data
  const connector = await openConnector(log, { conf: ceph.conf })
  const { path } = await connector.attach({ ...connection, data })
  await run(['dd', 'if=/dev/urandom', `of=${path}`, 'bs=1M', 'count=2', 'conv=notrunc,fsync'])
  expect((await run(['qemu-img', 'compare', '-U', '-f', 'raw', '-F', 'raw', path, address.filename])).exitCode).toBe(0)
  await connector.detach(connection)
  await remove()
})

test('a daemon that was killed is replaced, and its file again holds the bytes', async () => {
  const { connection } = await offer()
  const connector = await openConnector(log)
  const { path } = await connector.attach(connection)
  await run(['dd', 'if=/dev/zero', `of=${path}`, 'bs=1M', 'count=1', 'conv=notrunc,fsync'])
  await run(['sh', '-c', 'kill -9 "$(cat "$1")"', 'sh', join(dirname(path), 'pid')])
  expect(await connector.attach(connection)).toEqual({ path, format: 'raw' })
  await run(['dd', `if=${path}`, 'of=/dev/null', 'bs=1M', 'count=4'])
  await run(['sh', '-c', 'kill -9 "$(cat "$1")"', 'sh', join(dirname(path), 'pid')])
  await connector.detach(connection)
  await expect(readFile(path)).rejects.toThrow('ENOENT')
  await rm(folder, { recursive: true, force: true })
})
