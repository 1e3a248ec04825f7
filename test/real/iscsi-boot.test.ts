import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bootDisk, bootLine } from '../lab/boot-disk.ts'
import { type IscsiLab, startIscsiLab } from './iscsi-lab.ts'

const mib = 1024 ** 2

let lab: IscsiLab
beforeAll(async () => {
  lab = await startIscsiLab()
})
afterAll(() => lab?.close())

test('a machine boots from a volume that the kernel target of another host offers, with CHAP', async () => {
  const volume = await lab.offer(64 * mib)
  const disk = await bootDisk(join(import.meta.dirname, '..', 'lab', 'cache'))
  await execa('qemu-img', ['convert', '-n', '-f', 'raw', '-O', 'raw', disk, lab.url(volume)])
  const copied = await lab.vm.run(`head -c ${32 * mib} ${volume.request.path} | sha256sum`)
  const { stdout: wanted } = await execa('sha256sum', { input: readFileSync(disk) })
  expect(copied.trim()).toBe(wanted)
  const { portal, secret } = { portal: `127.0.0.1:${lab.vm.forwarded[3260]}`, secret: volume.request.chap! }
  const drive = {
    'file.driver': 'iscsi',
    'file.transport': 'tcp',
    'file.portal': portal,
    'file.target': volume.iqn,
    'file.lun': '0',
    'file.user': secret.username,
    'file.password': secret.password,
    format: 'raw',
    if: 'none',
    id: 'disk',
  }
  const named = Object.entries(drive).map(([key, value]) => `${key}=${value}`)
  const { stdout } = await execa(
    'qemu-system-x86_64',
    ['-accel', 'tcg', '-M', 'pc', '-m', '256', '-nographic', '-nic', 'none', '-no-reboot'].concat(
      ['-drive', named.join(',')],
      ['-device', 'virtio-blk-pci,drive=disk,bootindex=0'],
    ),
    { timeout: 240_000, stdin: 'ignore' },
  )
  expect(stdout).toContain(bootLine)
})
