import { constants } from 'node:fs'
import { copyFile, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DriverError, type Runner } from '@hearth/driver'
import { mapError, mapped } from './folder.ts'

/** statfs(2) types of XFS and btrfs, for when there is no room to try. */
const knownToShare = [0x58465342, 0x9123683e]

/** Returns whether files of this folder can share blocks (XFS, btrfs, bcachefs). */
export async function hasReflink(folder: string): Promise<boolean> {
  const probe = join(folder, `.probe-${process.pid}-${Math.random().toString(36).slice(2)}`)
  try {
    await writeFile(probe, '')
    await copyFile(probe, `${probe}-copy`, constants.COPYFILE_FICLONE_FORCE)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOTSUP' || code === 'EOPNOTSUPP' || code === 'EINVAL' || code === 'ENOSYS' || code === 'EXDEV') {
      return false
    }
    if (code === 'ENOSPC') return knownToShare.includes((await mapped(statfs(folder))).type)
    throw mapError(error)
  } finally {
    await rm(probe, { force: true })
    await rm(`${probe}-copy`, { force: true })
  }
}

/** Copies files within one folder: shared blocks where the filesystem can, else bytes with holes kept as holes. */
export function openCopier(run: Runner, reflink: boolean) {
  return async (from: string, to: string, signal?: AbortSignal): Promise<void> => {
    if (signal?.aborted) throw new DriverError('aborted', `Copying ${from} was aborted`)
    if (reflink) {
      await mapped(copyFile(from, to, constants.COPYFILE_FICLONE_FORCE))
      return
    }
    const argv = ['cp', '--sparse=always', '--reflink=auto', '--', from, to]
    await run(argv, { timeout: 24 * 3600 * 1000, ...(signal ? { signal } : {}) })
  }
}
