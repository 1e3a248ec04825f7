import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DriverError, type DriverErrorKind, isDriverError } from '@hearth/driver'

const partialPrefix = '.part-'

/** A folder whose files appear whole or not at all, and stay when a method here has returned. */
export interface Folder {
  path: string
  /** Path of `name`; throws `invalid` for a name that could lead elsewhere or be taken for an unfinished file. */
  pathOf(name: string): string
  /** Makes or replaces the file `name` by `fill`, which writes to another path; nothing stays behind on failure. */
  make(name: string, fill: (partial: string) => Promise<void>): Promise<void>
  remove(name: string): Promise<void>
  /** Gives the file `from` the name `to`, which must be free. Repeating it succeeds; throws `not-found`, `invalid`. */
  rename(from: string, to: string): Promise<void>
  /** Names of the whole files, sorted. */
  names(): Promise<string[]>
  /** Removes what `make(name)` left when its process died. */
  removeUnfinished(name?: string): Promise<void>
  /** Throws `unavailable` when another folder is at the path than the one that was opened: unmounted, removed. */
  ensureThere(): Promise<void>
}

/** Opens `path`, making it when it is missing, and clears away the unfinished files of a process that died. */
export async function openFolder(path: string): Promise<Folder> {
  await mapped(mkdir(path, { recursive: true, mode: 0o700 }))
  const sync = openFolderSync(path)
  const opened = await mapped(stat(path))
  let serial = 0
  const folder: Folder = {
    path,
    pathOf(name) {
      if (!/^[A-Za-z0-9%_][\w.%~!'()*-]*$/.test(name) || Buffer.byteLength(name) > 200) {
        throw new DriverError('invalid', `${JSON.stringify(name)} cannot name a file here`)
      }
      return join(path, name)
    },
    async make(name, fill) {
      const target = folder.pathOf(name)
      const partial = join(path, `${partialPrefix}${name}.${process.pid}.${serial++}`)
      try {
        await fill(partial)
        await syncFile(partial)
        await rename(partial, target)
        await sync()
      } catch (error) {
        await rm(partial, { force: true })
        throw mapError(error)
      }
    },
    async remove(name) {
      await mapped(rm(folder.pathOf(name), { force: true }))
      await sync()
    },
    rename: (from, to) => renameFile(folder.pathOf(from), folder.pathOf(to)).then(sync),
    async names() {
      return (await mapped(readdir(path))).filter((name) => !name.startsWith('.')).sort()
    },
    async removeUnfinished(name) {
      const prefix = name === undefined ? partialPrefix : `${partialPrefix}${name}.`
      const left = (await mapped(readdir(path))).filter((found) => found.startsWith(prefix))
      for (const found of left) await rm(join(path, found), { force: true })
    },
    ensureThere: () => ensureSame(path, opened),
  }
  await folder.removeUnfinished()
  return folder
}

async function renameFile(source: string, target: string): Promise<void> {
  // Unlike rename(2), link(2) overwrites nothing.
  const failure = await link(source, target).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error,
  )
  if (failure && !(await isSameOrMoved(failure, source, target))) {
    if (failure.code !== 'EEXIST') throw mapError(failure)
    throw new DriverError('invalid', `${target} is there already and is not ${source}`)
  }
  await mapped(rm(source, { force: true }))
}

/** Not by its device, which may have another number when it is mounted again. */
async function ensureSame(path: string, opened: { ino: number; birthtimeMs: number }): Promise<void> {
  const found = await stat(path).catch(() => null)
  if (found?.ino === opened.ino && found.birthtimeMs === opened.birthtimeMs) return
  throw new DriverError('unavailable', `${path} is not the folder that was opened: mount its filesystem again`)
}

/** True when a link failed because an earlier call had made it, whose second half is missing or not. */
async function isSameOrMoved({ code }: NodeJS.ErrnoException, source: string, target: string): Promise<boolean> {
  const inode = (path: string) =>
    stat(path).then(
      ({ ino }) => ino,
      () => null,
    )
  const [from, to] = [await inode(source), await inode(target)]
  return code === 'EEXIST' ? from === to : code === 'ENOENT' && from === null && to !== null
}

/** Looks before every method whether the folder is there: in an empty one all that it held would seem deleted. */
export function whileThere<T extends object>(folder: Folder, methods: T): T {
  const guarded = Object.entries(methods).map(([name, method]: [string, (...given: unknown[]) => unknown]) => [
    name,
    async (...given: unknown[]) => {
      await folder.ensureThere()
      return method(...given)
    },
  ])
  return Object.fromEntries(guarded) as T
}

/** Puts the content of a file on stable storage. */
async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Puts a folder's entries on stable storage; callers that come while one sync runs share the next. */
function openFolderSync(path: string): () => Promise<void> {
  let running: Promise<void> | undefined
  let waiting: Promise<void> | undefined
  const begin = (): Promise<void> => {
    running = syncFile(path).finally(() => {
      running = undefined
    })
    return running
  }
  return () => {
    if (!running) return begin()
    waiting ??= running
      .catch(() => undefined)
      .then(() => {
        waiting = undefined
        return begin()
      })
    return waiting
  }
}

const kinds: Record<string, DriverErrorKind> = {
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  EFBIG: 'invalid',
  ENAMETOOLONG: 'invalid',
  ENOENT: 'not-found',
  EIO: 'unavailable',
  ESHUTDOWN: 'unavailable',
  ABORT_ERR: 'aborted',
}

/** Converts the error of a file operation to a DriverError; errors of other kinds stay unchanged. */
export function mapError(error: unknown): unknown {
  if (isDriverError(error)) return error
  const { code, message } = error as NodeJS.ErrnoException
  if (typeof code !== 'string' || !(/^E[A-Z0-9]+$/.test(code) || code === 'ABORT_ERR')) return error
  return new DriverError(kinds[code] ?? 'failed', message, error)
}

/** Waits for `work`, and throws its file errors as DriverError. */
export async function mapped<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw mapError(error)
  })
}
