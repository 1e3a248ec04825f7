import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { StorageError } from '../errors.ts'

/** File that distinguishes a device from the empty folder that remains when its disk is not mounted. */
const identityFile = 'device.json'

interface Identity {
  device: string
  /** Fingerprint of the cluster that the device belongs to. */
  cluster: string
}

interface IdentityOptions {
  /** Name of the device. */
  id: string
  folder: string
  /** Where this host keeps which device it has seen under which name. */
  records: string
  cluster: string
}

/**
 * Checks that `folder` is the device this host knows by that name. A device seen for the first time is recorded. Throws
 * StorageError when it is another one, belongs to another cluster, or is missing where one was recorded: then its disk
 * may not be mounted, and must not be written to.
 */
export async function checkIdentity({ id, folder, records, cluster }: IdentityOptions): Promise<void> {
  const path = join(records, `${id}.json`)
  const known = await readJson<Identity>(path)
  const found = await readJson<Identity>(join(folder, identityFile))
  const remedy = `mount the right disk, or accept this one with: hearth object accept ${id}`
  if (known && !found)
    throw new StorageError('offline', `${folder} is not the disk that was ${id}, it has no ${identityFile}: ${remedy}`)
  if (known && found && known.device !== found.device)
    throw new StorageError('offline', `${folder} is another disk than the one that was ${id}: ${remedy}`)
  if (found && found.cluster !== cluster)
    throw new StorageError(
      'offline',
      `${folder} belongs to another cluster: its objects were placed by another hash salt`,
    )
  const identity = found ?? { device: randomUUID(), cluster }
  if (!found) {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeWhole(join(folder, identityFile), identity)
  }
  if (!known) {
    await mkdir(records, { recursive: true, mode: 0o700 })
    await writeWhole(path, identity)
  }
}

/** Takes the next disk found in the device's folder for the device. */
export async function forgetIdentity(records: string, id: string): Promise<void> {
  await rm(join(records, `${id}.json`), { force: true })
}

/**
 * Returns an identifier of the file system at a path; another value means that a disk was mounted or unmounted. Null
 * when the path does not exist.
 */
export async function whatIsMounted(folder: string): Promise<string | null> {
  const found = await stat(join(folder, identityFile)).catch(() => null)
  return found && `${found.dev}:${found.ino}`
}

async function readJson<T>(path: string): Promise<T | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw new StorageError('offline', error.message)
  })
  return text === null ? null : (JSON.parse(text) as T)
}

/** Writes a file (mode 0600) that is there whole or not at all, and stays after a power cut. */
export async function writeWhole(path: string, value: unknown): Promise<void> {
  const handle = await open(`${path}.new`, 'w', 0o600)
  try {
    await handle.writeFile(JSON.stringify(value))
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${path}.new`, path)
}
