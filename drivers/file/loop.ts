import { mkdir, open, readdir, readFile, realpath, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DriverError, isDriverError, type Runner } from '@hearth/driver'
import { mapped } from './folder.ts'
import { hasReflink } from './reflink.ts'

interface PrepareFolder {
  folder: string
  /** Path of the XFS image; made if missing. */
  imageFile: string
  /** Bytes of the image; 80 % of the free space of its filesystem when absent. A greater value later grows it. */
  sizeBytes?: number
  run: Runner
  /** Whether mounting is allowed; asked of the process when absent. */
  root?: boolean
}

interface PreparedFolder {
  /** True when copies in the folder share blocks. */
  reflink: boolean
  /** The image file is mounted at the folder. */
  mounted: boolean
  /** Why there is no reflink, for the operator. */
  reason?: string
}

/** Smallest filesystem that mkfs.xfs makes. */
const smallestImage = 320 * 1024 ** 2
const mountOptions = 'discard,noatime,nodev,nosuid'

/**
 * Makes copies in `folder` cheap: by its own filesystem, or by a sparse XFS image mounted there through a loop device.
 * May be repeated; after a reboot it mounts the existing image again. Throws DriverError `unavailable` when volumes are
 * in the image and it cannot be mounted, because an empty folder would look like lost volumes.
 */
export async function prepareFolder(input: PrepareFolder): Promise<PreparedFolder> {
  const { folder, imageFile, run } = input
  const root = input.root ?? process.getuid?.() === 0
  await mapped(mkdir(folder, { recursive: true, mode: 0o700 }))
  const loops = await loopsOf(imageFile, run)
  const mount = await mountAt(folder)
  if (mount && loops.includes(mount.source)) {
    if (root) await grow(input, mount.source)
    return { reflink: await hasReflink(folder), mounted: true }
  }
  const made = (await sizeOf(imageFile)) !== null
  if (!made) {
    if (await hasReflink(folder)) return { reflink: true, mounted: false }
    const reason = await reasonAgainst(folder, root)
    if (reason) return { reflink: false, mounted: false, reason }
  } else if (!root) {
    const how = `mount -o loop,${mountOptions} ${imageFile} ${folder}`
    throw new DriverError('unavailable', `The volumes are in ${imageFile}, which only root can mount: ${how}`)
  }
  try {
    if (!made) await makeImage(input)
    await mountImage(input, loops)
  } catch (error) {
    if (made || !isDriverError(error) || error.kind === 'no-space' || error.kind === 'invalid') throw error
    await rm(imageFile, { force: true })
    return { reflink: false, mounted: false, reason: error.message }
  }
  return { reflink: await hasReflink(folder), mounted: true }
}

/** Unmounts the folder's image; one that is in use stays mounted. */
export async function releaseFolder(input: { folder: string; run: Runner }): Promise<void> {
  await input.run(['umount', await realpath(input.folder)], { allow: [0, 1, 32] })
}

async function reasonAgainst(folder: string, root: boolean): Promise<string | undefined> {
  if (!root) return 'its filesystem cannot share blocks, and only root can mount one that can'
  const held = (await readdir(folder)).filter((name) => !name.startsWith('.'))
  if (held.length > 0) return 'its filesystem cannot share blocks, and a mount would hide the volumes it holds already'
  return undefined
}

async function makeImage({ imageFile, sizeBytes, run }: PrepareFolder): Promise<void> {
  await mapped(mkdir(dirname(imageFile), { recursive: true }))
  const { bavail, bsize } = await mapped(statfs(dirname(imageFile)))
  const size = sizeBytes ?? Math.floor((bavail * bsize * 0.8) / 1024 ** 2) * 1024 ** 2
  if (size < smallestImage) {
    throw new DriverError('no-space', `${imageFile} would have ${size} bytes; XFS needs ${smallestImage}`)
  }
  const partial = `${imageFile}.part`
  await rm(partial, { force: true })
  try {
    await resize(partial, 'wx', size)
    await run(['mkfs.xfs', '-q', '-m', 'reflink=1', partial])
    await mapped(rename(partial, imageFile))
  } finally {
    await rm(partial, { force: true })
  }
}

async function mountImage(input: PrepareFolder, loops: string[]): Promise<void> {
  const { imageFile, folder, run } = input
  const stale = loops[0]
  try {
    if (stale) await run(['mount', '-t', 'xfs', '-o', mountOptions, stale, folder])
    else await run(['mount', '-t', 'xfs', '-o', `loop,${mountOptions}`, imageFile, folder])
  } catch (error) {
    const message = isDriverError(error) ? error.message : String(error)
    throw new DriverError('unavailable', `${imageFile} cannot be mounted at ${folder}: ${message}`, error)
  }
  const device = (await mountAt(folder))?.source
  if (device) await grow(input, device)
}

async function grow({ imageFile, sizeBytes, folder, run }: PrepareFolder, device: string): Promise<void> {
  const present = await sizeOf(imageFile)
  if (sizeBytes === undefined || present === null || sizeBytes <= present) return
  await resize(imageFile, 'r+', sizeBytes)
  await run(['losetup', '--set-capacity', device])
  await run(['xfs_growfs', '-d', folder])
}

async function resize(path: string, flags: string, sizeBytes: number): Promise<void> {
  const file = await mapped(open(path, flags, 0o600))
  try {
    await mapped(file.truncate(sizeBytes))
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Loop devices that have `imageFile` behind them. */
async function loopsOf(imageFile: string, run: Runner): Promise<string[]> {
  if ((await sizeOf(imageFile)) === null) return []
  const { stdout } = await run([
    'losetup',
    '--associated',
    await realpath(imageFile),
    '--output',
    'NAME',
    '--noheadings',
  ])
  return stdout
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
}

/** Returns the mount at exactly this folder, from proc(5) mountinfo; the topmost of several. */
async function mountAt(folder: string): Promise<{ source: string } | null> {
  const path = await realpath(folder)
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).trim().split('\n')
  for (const line of lines.reverse()) {
    const [before = '', after = ''] = line.split(' - ')
    const point = before.split(' ')[4] ?? ''
    if (plain(point) === path) return { source: plain(after.split(' ')[1] ?? '') }
  }
  return null
}

/** mountinfo writes space, tab, newline and backslash as octal. */
function plain(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

async function sizeOf(path: string): Promise<number | null> {
  return stat(path).then(
    (found) => found.size,
    () => null,
  )
}
