import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { prepareDriver } from '@hearth/driver'
import { expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { loadConfig } from './config.ts'
import type { BackendConfig, Config } from './config-types.ts'
import { examineBackends } from './doctor-backends.ts'
import { folderWith } from './folder-for-tests.ts'

const load = (backends: object): Config =>
  loadConfig(join(folderWith(stringify({ volume: { backends } })), 'hearth.yaml'))

test('of each backend it is told whether its storage is there, and what to do when it is not', async () => {
  const iscsi = '@hearth/driver-iscsi'
  const config = load({
    good: { driver: '@hearth/driver-file', options: { folder: '/tmp' } },
    gone: { driver: '@hearth/driver-file', options: { folder: '/nowhere/volumes' } },
    group: {
      driver: '@hearth/driver-lvm',
      options: { volumeGroup: 'no-such-group' },
      export: { driver: iscsi, options: { target: 'lio', portals: ['192.0.2.1:3260', '127.0.0.1:3260'] } },
    },
    nas: { driver: '@hearth/driver-nfs', options: { shares: [{ share: '127.0.0.9:/vols' }], mountBase: '/mnt' } },
    ceph: { driver: '@hearth/driver-rbd', options: { conf: '/nowhere/ceph.conf' } },
    far: { driver: '@hearth/driver-lvm', options: { volumeGroup: 'x' }, ssh: ['-p', '1', 'root@127.0.0.1'] },
    foreign: { driver: 'driver-of-somebody-else' },
  })
  const found = await examineBackends(config)
  const about = (name: string) => found.filter((one) => one.name === name)
  expect(about('backend good')).toMatchObject([{ ok: true, found: '/tmp is there' }])
  expect(about('backend gone')).toMatchObject([{ ok: false, remedy: 'mkdir -p /nowhere/volumes' }])
  const [group] = about('backend group')
  expect(group).toMatchObject({ ok: false, found: expect.stringContaining('no-such-group') })
  expect(group?.remedy).toContain('vgcreate no-such-group')
  expect(about('export of group')).toMatchObject([
    { remedy: expect.stringMatching(/^(|modprobe .*)$/) },
    { ok: false, found: 'the portal 192.0.2.1:3260 is no address of the host' },
    { ok: true, found: 'the portal 127.0.0.1:3260 is an address of the host, for this host alone' },
  ])
  expect(about('backend nas').at(-1)).toMatchObject({ ok: false, remedy: expect.stringContaining('port 2049') })
  expect(about('backend ceph')).toMatchObject([{ ok: false, remedy: expect.stringContaining('ceph-common') }])
  expect(about('backend far')).toMatchObject([
    { ok: false, remedy: 'make this work without a password: ssh -p 1 root@127.0.0.1 true' },
  ])
  expect(about('backend foreign')).toEqual([])
})

const example = readFileSync(join(import.meta.dirname, '../../../hearth.example.yaml'), 'utf8')

/** Returns the commented-out text below a key of the example. */
function commented(key: string, indent: string): Record<string, unknown> {
  const lines = example.split('\n')
  const first = lines.findIndex((line) => line.startsWith(`${indent}# ${key}:`))
  const after = lines.slice(first + 1)
  const end = after.findIndex((line) => !line.startsWith(`${indent}#   `))
  return parse(
    after
      .slice(0, end)
      .map((line) => line.slice(indent.length + 2))
      .join('\n'),
  )
}

test('every backend and connector of the example is one that drivers take', async () => {
  const { backends } = load(commented('backends', '  ')).volume
  expect(Object.keys(backends!)).toEqual(['fast', 'lvm', 'array', 'nas', 'ceph'])
  const prepare = async ({ driver, options, export: exporter }: BackendConfig): Promise<void> => {
    await prepareDriver('volume', driver, options)
    if (exporter) await prepareDriver('export', exporter.driver, exporter.options)
  }
  await Promise.all(Object.values(backends!).map(prepare))
  const connectors = commented('connectors', '') as Record<string, BackendConfig>
  expect(Object.keys(connectors)).toEqual(['nfs'])
  for (const { driver, options } of Object.values(connectors)) await prepareDriver('connector', driver, options)
})
