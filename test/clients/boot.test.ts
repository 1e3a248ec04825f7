import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, login, waitForStatus } from '../client.ts'
import { bootDisk, bootLine } from '../lab/boot-disk.ts'
import { type Started, start } from '../start.ts'
import { debianProgram } from './openstack.ts'
import { attached, blockOptions, initiatorName, type Target, urlOf } from './volume-bytes.ts'

const cache = join(import.meta.dirname, '..', 'lab', 'cache')
const scratch = mkdtempSync(join(tmpdir(), 'boot-'))
const formats = [
  ['qcow2', ['-O', 'qcow2']],
  ['vmdk', ['-O', 'vmdk', '-o', 'subformat=streamOptimized']],
] as const

let suite: Started
let client: Client
const volumes: Record<string, string> = {}

beforeAll(async () => {
  suite = await start()
  client = await login(suite.urls, suite.demo)
})

afterAll(async () => {
  await suite?.close()
  rmSync(scratch, { recursive: true, force: true })
})

/** Boots a PC from the target; what it printed on its serial port until it switched itself off. */
async function serialConsole(target: Target): Promise<string> {
  const drive = `${blockOptions(target)},if=none,format=raw`.replace(/^driver=iscsi/, 'file.driver=iscsi')
  const named = drive.replace(/,(transport|portal|target|lun|user|password|initiator-name)=/g, ',file.$1=')
  const { stdout } = await execa(
    'qemu-system-x86_64',
    ['-accel', 'tcg', '-M', 'pc', '-m', '256', '-nographic', '-nic', 'none', '-no-reboot'].concat(
      ['-drive', `${named},id=disk`],
      ['-device', 'virtio-blk-pci,drive=disk,bootindex=0'],
    ),
    { timeout: 120_000, stdin: 'ignore' },
  )
  return stdout
}

test.each(formats)(
  'a machine boots from a volume made of a %s image, over iSCSI with CHAP',
  async (format, options) => {
    const file = join(scratch, `disk.${format}`)
    await debianProgram(['qemu-img', 'convert', '-f', 'raw', ...options, await bootDisk(cache), file])
    const image = { name: format, disk_format: format, container_format: 'bare' }
    const { id } = (await client.must('image', 'POST', '/images', { json: image })).body
    await client.must('image', 'PUT', `/images/${id}/file`, {
      body: readFileSync(file),
      headers: { 'content-type': 'application/octet-stream' },
    })
    const json = { volume: { name: format, size: 1, imageRef: id } }
    volumes[format] = (await client.must('volume', 'POST', '/volumes', { json })).body.volume.id
    await waitForStatus(client, `/volumes/${volumes[format]}`, 'available')
    const printed = await attached(client, volumes[format]!, serialConsole)
    expect(printed).toContain(bootLine)
  },
)

test('a wrong CHAP password is refused', async () => {
  await attached(client, volumes.qcow2!, async (target) => {
    const inquiry = (url: string): Promise<{ exitCode?: number; stderr: string; stdout: string }> =>
      execa('iscsi-inq', ['-i', initiatorName, url], { reject: false })
    expect((await inquiry(target.url)).stdout).toContain('Peripheral Device Type:DIRECT_ACCESS')
    const wrong = await inquiry(urlOf({ ...target, password: 'not-the-password' }))
    expect(wrong.stderr + wrong.stdout).toContain('Authentication failure')
    await expect(serialConsole({ ...target, password: 'not-the-password' })).rejects.toThrow('Authentication failure')
  })
})
