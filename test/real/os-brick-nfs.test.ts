import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { quietLog as log, openDriver, openRunner, type VolumeRef } from '@hearth/driver'
import { openProbe } from '@hearth/driver/contract'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type NfsServer, startNfsServer } from './nfs-server.ts'

const gib = 1024 ** 3
const mib = 1024 ** 2

let server: NfsServer
beforeAll(async () => {
  server = await startNfsServer()
})
afterAll(() => server?.close())

interface Seen {
  path: string
  before: number
  after: number
}

test('os-brick attaches, writes, sees grow and detaches raw and qcow2 volumes by our connections', async () => {
  const run = openRunner({ log, ssh: server.vm.ssh })
  const share = { share: await server.newShare('ext4'), options: 'vers=4.2' }
  const open = (format: string) =>
    openDriver(
      'volume',
      '@hearth/driver-nfs',
      { shares: [share], mountBase: server.newMountBase(), format },
      { run, log },
    )
  const backends = [await open('raw'), await open('qcow2')]
  const volumes: VolumeRef[] = ['raw', 'qcow2'].map((id) => ({ id, name: `volume-${id}`, sizeGiB: 1 }))
  for (const [i, volume] of volumes.entries()) await backends[i]!.create(volume)
  // The second volume is written to through a snapshot's overlay.
  await backends[1]!.snapshot({ id: 's', name: 'snapshot-s', volume: volumes[1]! })

  const connections = []
  for (const [i, volume] of volumes.entries()) connections.push(await backends[i]!.connection(volume))
  expect(connections.map((connection) => connection.kind === 'network' && connection.data)).toEqual([
    { export: share.share, name: 'volume-raw', options: '-o vers=4.2', format: 'raw' },
    { export: share.share, name: 'volume-qcow2.s', options: '-o vers=4.2', format: 'qcow2' },
  ])

  const script = await readFile(join(import.meta.dirname, 'os-brick-nfs.py'), 'utf8')
  const folder = '/tmp/os-brick-nfs'
  const attaching = run(['python3', '-', JSON.stringify(connections), folder], { input: script, timeout: 240_000 })
  const wait = 'while [ ! -e "$1/written" ]; do sleep 0.2; done'
  await Promise.race([attaching, run(['sh', '-c', wait, 'sh', folder], { timeout: 240_000 })])
  for (const [i, volume] of volumes.entries()) await backends[i]!.extend(volume, 2)
  await run(['touch', `${folder}/extended`])
  const seen = JSON.parse((await attaching).stdout) as Seen[]
  expect(seen.map(({ before, after }) => ({ before, after }))).toEqual([
    { before: gib, after: 2 * gib },
    { before: gib, after: 2 * gib },
  ])

  const served = share.share.slice(share.share.indexOf('/'))
  const behind = [
    { filename: `${served}/volume-raw`, format: 'raw' as const },
    { filename: `${served}/volume-qcow2.s`, format: 'qcow2' as const },
  ]
  const expectations = behind.flatMap((address) => [
    { address, offset: 0, length: mib, byte: 0x71 },
    { address, offset: mib, length: mib, byte: 0 },
    { address, offset: 2 * gib - mib, length: mib, byte: 0x72 },
  ])
  expect(await openProbe(run).hasAll(expectations)).toEqual(expectations.map(() => true))
}, 300_000)
