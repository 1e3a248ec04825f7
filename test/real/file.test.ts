import { mkdir, mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DriverLog, openDriver, openRunner, quietLog } from '@hearth/driver'
import { backupContract, crashContract, imageContract, volumeContract } from '@hearth/driver/contract'
import { afterAll, expect, test } from 'vitest'
import { freePort } from '../lab/daemon.ts'

const nothing = () => undefined
const depsOf = (log: DriverLog) => ({ run: openRunner({ log }), log })
const deps = depsOf(quietLog)
const file = '@hearth/driver-file'
const mib = 1024 ** 2
const gib = 1024 ** 3

const scratch = await mkdtemp(join(tmpdir(), 'hearth-file-test-'))
const mounted: string[] = []
afterAll(async () => {
  for (const folder of mounted.reverse()) await deps.run(['umount', '--lazy', folder], { allow: [0, 1, 32] })
  await rm(scratch, { recursive: true, force: true })
})

let serial = 0
async function newFolder(): Promise<string> {
  const folder = join(scratch, `folder-${serial++}`)
  await mkdir(folder)
  return folder
}

/** A filesystem of its own, so that it can be filled and taken away. */
async function smallFilesystem(sizeMiB: number): Promise<string> {
  const folder = await newFolder()
  await deps.run(['mount', '-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', folder])
  mounted.push(folder)
  return folder
}

/** Opens something on a filesystem that is unmounted then. */
async function openThenUnmount<T>(open: (folder: string) => Promise<T>): Promise<T> {
  const folder = await smallFilesystem(16)
  const opened = await open(folder)
  await deps.run(['umount', folder])
  return opened
}

/** Options of a folder that gets an XFS image mounted. */
async function imageOptions(imageSizeGiB: number) {
  const folder = await newFolder()
  mounted.push(folder)
  return { folder, imageFile: `${folder}.xfs`, imageSizeGiB }
}

const openVolume = (options: Record<string, unknown>, log = quietLog) =>
  openDriver('volume', file, options, depsOf(log))
const abilities = {
  ...{ revert: true, list: true, snapshotAddress: true },
  ...{ manage: true, manageable: true, manageSnapshot: true },
}

let copying = ''
volumeContract({
  name: 'file, copying bytes',
  async open(log) {
    copying = await newFolder()
    return openVolume({ folder: copying }, log)
  },
  async openFull() {
    const folder = await smallFilesystem(4)
    await writeFile(join(folder, '.filler'), Buffer.alloc(4 * mib)).catch(nothing)
    return openVolume({ folder })
  },
  openBroken: (log) => openThenUnmount((folder) => openVolume({ folder }, log)),
  async foreign(name) {
    await writeFile(join(copying, name), '')
    await truncate(join(copying, name), gib)
  },
  // ext4 with 4 KiB blocks holds files of 16 TiB less one block.
  maxSizeGiB: 16 * 1024 - 1,
  abilities,
})

volumeContract({
  name: 'file, sharing blocks in a loop-mounted XFS',
  open: async (log) => openVolume(await imageOptions(4), log),
  async openBroken(log) {
    const options = await imageOptions(1)
    const driver = await openVolume(options, log)
    await deps.run(['umount', '--lazy', options.folder])
    return driver
  },
  maxSizeGiB: 1024 ** 2,
  abilities,
})

crashContract({ name: 'file, copying bytes', package: file, options: async () => ({ folder: await newFolder() }) })
crashContract({
  name: 'file, sharing blocks in a loop-mounted XFS',
  package: file,
  options: () => imageOptions(4),
})

const openImages = (folder: string, log = quietLog) => openDriver('image', file, { folder }, depsOf(log))
imageContract({
  name: 'file',
  open: async (log) => openImages(await newFolder(), log),
  openSmall: async () => openImages(await smallFilesystem(4)),
  openBroken: (log) => openThenUnmount((folder) => openImages(folder, log)),
  abilities: { list: true },
  bigMiB: 256,
})

const openBackups = (folder: string, log = quietLog) => openDriver('backup', file, { folder }, depsOf(log))
backupContract({
  name: 'file',
  open: async (log) => openBackups(await newFolder(), log),
  openSmall: async () => openBackups(await smallFilesystem(4)),
  openBroken: (log) =>
    openThenUnmount(async (folder) => {
      const store = await openBackups(folder, log)
      await store.prepare('volumebackups')
      return store
    }),
})

test.each(['ext4', 'XFS'])('what an initiator discards is given back to the filesystem: %s', async (kind) => {
  const options = kind === 'XFS' ? await imageOptions(1) : { folder: await newFolder() }
  const volumes = await openVolume(options)
  const volume = { id: '1', name: 'volume-1', sizeGiB: 1 }
  await volumes.create(volume)
  const connection = await volumes.connection(volume)
  if (connection.kind !== 'device') throw new Error('a file is a device')
  const target = { portals: [`127.0.0.1:${await freePort()}`], runFolder: await newFolder() }
  const exporter = await openDriver('export', '@hearth/driver-iscsi', target, deps)
  await exporter.start()
  try {
    const { portals, iqn, lun } = await exporter.create({ ...connection, name: volume.name, chap: null })
    const url = `iscsi://${portals[0]}/${iqn}/${lun}`
    const io = (...commands: string[]) =>
      deps.run(['qemu-io', '-f', 'raw', '-d', 'unmap', ...commands.flatMap((command) => ['-c', command]), url])
    const stored = async () => (await stat(connection.path)).blocks * 512
    await io('write -P 1 0 64M', 'flush')
    expect(await stored()).toBeGreaterThanOrEqual(64 * mib)
    await io('discard 0 32M', 'flush')
    expect(await stored()).toBeLessThanOrEqual(33 * mib)
    expect((await io('read -P 0 0 32M', 'read -P 1 32M 32M')).stdout).not.toMatch(/verification failed/i)
  } finally {
    await exporter.remove(volume.name)
    await exporter.close()
    await volumes.close?.()
  }
})
