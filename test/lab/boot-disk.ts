import { access, copyFile, mkdir, mkdtemp, open, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'

/** What the machine prints on its first serial port once it has booted; it powers itself off afterwards. */
export const bootLine = 'HEARTH-BOOT-OK'

const mib = 1024 * 1024
const partitionStart = 1 * mib
const sector = 512
const mbrCode = ['/usr/lib/syslinux/mbr/mbr.bin', '/usr/lib/SYSLINUX/mbr.bin']

const init = `#!/bin/busybox sh
/bin/busybox mount -t devtmpfs none /dev
echo ${bootLine} > /dev/ttyS0
/bin/busybox poweroff -f
`

const loader = `DEFAULT linux
PROMPT 0
TIMEOUT 0
LABEL linux
  KERNEL /vmlinuz
  INITRD /initrd.gz
  APPEND console=ttyS0 quiet panic=-1 nokaslr mitigations=off tsc=reliable
`

/**
 * A raw disk of 32 MiB that boots by BIOS to `bootLine`, made of Debian's kernel, busybox and syslinux without root
 * or mounts. Kept in `folder` and made only when missing; returns its path.
 */
export async function bootDisk(folder: string, sizeMiB = 32): Promise<string> {
  const target = join(folder, `boot-${sizeMiB}.raw`)
  if (await exists(target)) return target
  await mkdir(folder, { recursive: true })
  const scratch = await mkdtemp(join(tmpdir(), 'boot-disk-'))
  try {
    const partition = await fileSystem(scratch, (sizeMiB - 1) * mib)
    const disk = join(scratch, 'disk.raw')
    await assemble(disk, partition, sizeMiB * mib)
    // Another run may be making the same disk: the rename is what makes it appear, whole.
    const beside = `${target}.${process.pid}`
    await copyFile(disk, beside)
    await rename(beside, target)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  return target
}

/** A FAT file system with kernel, initramfs and boot loader on it. */
async function fileSystem(scratch: string, bytes: number): Promise<string> {
  const file = join(scratch, 'partition')
  const handle = await open(file, 'w')
  await handle.truncate(bytes)
  await handle.close()
  await tool('mkfs.fat', ['-n', 'HEARTH', '-h', String(partitionStart / sector), file])
  await writeFile(join(scratch, 'syslinux.cfg'), loader)
  const initrd = await initramfs(scratch)
  await tool('mcopy', ['-i', file, await newestKernel(), '::/vmlinuz'])
  await tool('mcopy', ['-i', file, initrd, '::/initrd.gz'])
  await tool('mcopy', ['-i', file, join(scratch, 'syslinux.cfg'), '::/syslinux.cfg'])
  await tool('syslinux', ['--install', file])
  return file
}

async function initramfs(scratch: string): Promise<string> {
  const root = join(scratch, 'root')
  await mkdir(join(root, 'bin'), { recursive: true })
  await mkdir(join(root, 'dev'))
  await copyFile('/bin/busybox', join(root, 'bin/busybox'))
  await writeFile(join(root, 'init'), init, { mode: 0o755 })
  const archive = join(scratch, 'initrd.gz')
  const names = ['.', './bin', './dev', './bin/busybox', './init'].join('\n')
  const cpio = await tool('cpio', ['-o', '-H', 'newc', '-R', '0:0', '--quiet'], { cwd: root, input: names })
  await writeFile(archive, (await tool('gzip', ['-9'], { input: cpio })) as Uint8Array)
  return archive
}

/** Master boot record with one active FAT partition, then the partition itself. */
async function assemble(disk: string, partition: string, bytes: number): Promise<void> {
  const record = Buffer.alloc(sector)
  const code = await open(await firstOf(mbrCode))
  await code.read(record, 0, 440, 0)
  await code.close()
  record.writeUInt8(0x80, 446)
  record.writeUInt8(0x0e, 450)
  record.writeUInt32LE(partitionStart / sector, 454)
  record.writeUInt32LE((bytes - partitionStart) / sector, 458)
  record.writeUInt16LE(0xaa55, 510)
  const handle = await open(disk, 'w')
  await handle.write(record, 0, sector, 0)
  await handle.truncate(bytes)
  await handle.close()
  const seek = String(partitionStart / mib)
  await tool('dd', [`if=${partition}`, `of=${disk}`, 'bs=1M', `seek=${seek}`, 'conv=notrunc,sparse', 'status=none'])
}

async function newestKernel(): Promise<string> {
  const kernels = (await readdir('/boot')).filter((name) => name.startsWith('vmlinuz-'))
  const newest = kernels.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1)
  if (newest === undefined) throw new Error('no kernel in /boot: apt-get install linux-image-amd64')
  return join('/boot', newest)
}

interface ToolOptions {
  cwd?: string
  input?: string | Uint8Array
}

async function tool(file: string, argv: string[], options: ToolOptions = {}): Promise<Uint8Array> {
  // mkfs.fat is outside the PATH of ordinary users.
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', MTOOLS_SKIP_CHECK: '1' }
  try {
    return (await execa(file, argv, { ...options, env, encoding: 'buffer' })).stdout
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error
    const packages = 'linux-image-amd64 busybox-static syslinux syslinux-common mtools dosfstools cpio'
    throw new Error(`${file} is missing: apt-get install ${packages}`, { cause: error })
  }
}

async function firstOf(paths: string[]): Promise<string> {
  for (const path of paths) if (await exists(path)) return path
  throw new Error(`none of ${paths.join(', ')} exists: apt-get install syslinux-common`)
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
