import { mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { quietLog as log, openDriver, openRunner } from '@hearth/driver'
import { execa } from 'execa'
import { afterAll, expect, test } from 'vitest'
import { bootDisk, bootLine } from '../lab/boot-disk.ts'
import { startCeph } from '../lab/ceph.ts'

const run = openRunner({ log })
const ceph = await startCeph()
const folder = dirname(ceph.conf)
const keyringFile = join(folder, 'cinder.keyring')
const driver = await openDriver('volume', '@hearth/driver-rbd', { conf: ceph.conf, keyringFile }, { run, log })
afterAll(async () => {
  await driver.close?.()
  await ceph.close()
})

const gib = 1024 ** 3
const mib = 1024 ** 2

test('a machine boots from a volume of Ceph', async () => {
  const volume = { id: 'boot', name: 'volume-boot', sizeGiB: 1 }
  await driver.create(volume)
  const { filename } = await driver.address!(volume)
  const disk = await bootDisk(join(import.meta.dirname, '..', 'lab', 'cache'))
  await run(['qemu-img', 'convert', '-n', '-f', 'raw', '-O', 'raw', disk, filename])
  const machine = ['-accel', 'tcg', '-M', 'pc', '-m', '256', '-nographic', '-nic', 'none', '-no-reboot']
  const drive = ['-drive', `file=${filename},format=raw,if=none,id=disk`]
  const device = ['-device', 'virtio-blk-pci,drive=disk,bootindex=0']
  const options = { timeout: 240_000, stdin: 'ignore' } as const
  const { stdout } = await execa('qemu-system-x86_64', [...machine, ...drive, ...device], options)
  expect(stdout).toContain(bootLine)
  await driver.delete(volume)
})

test('Debian’s os-brick attaches, writes, sees the volume grown and detaches by our connection', async () => {
  const volume = { id: 'brick', name: 'volume-brick', sizeGiB: 1 }
  await driver.create(volume)
  const connection = await driver.connection(volume)
  if (connection.kind !== 'network') throw new Error('a connection over the network was expected')
  const here = join(folder, 'brick')
  await mkdir(here)
  const script = join(import.meta.dirname, 'os-brick-rbd.py')
  const attached = execa('/usr/bin/python3', [script, JSON.stringify(connection.data), here], { timeout: 240_000 })
  await Promise.race([
    run(['sh', '-c', 'until [ -e "$1" ]; do sleep 0.1; done', 'sh', join(here, 'written')]),
    attached,
  ])
  await driver.extend(volume, 2)
  await run(['touch', join(here, 'extended')])
  expect(JSON.parse((await attached).stdout)).toEqual({ before: gib, after: 2 * gib })
  const exported = join(here, 'exported')
  await ceph.command(['rbd', 'export', `volumes/${volume.name}`, exported])
  const file = await open(exported)
  const seen = []
  for (const offset of [0, mib, 2 * gib - mib]) {
    const { buffer } = await file.read(Buffer.alloc(mib), 0, mib, offset)
    seen.push(buffer.equals(Buffer.alloc(mib, buffer[0])) ? buffer[0] : 'several values')
  }
  await file.close()
  expect(seen).toEqual([0x71, 0, 0x72])
  await driver.delete(volume)
})
