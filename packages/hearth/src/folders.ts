import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { errorTable } from '@hearth/core'

const errors = errorTable({
  UnusableFolder: [
    500,
    'dataFolder: {folder} cannot be used: {reason}; set dataFolder (HEARTH_DATA_FOLDER) to a folder this user may write to',
  ],
})

const reasons = new Map([
  ['ENOTDIR', 'it or a part of its path is no folder'],
  ['ENOENT', 'no folder can be made there'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['EROFS', 'its filesystem is read-only'],
  ['ENOSPC', 'its filesystem is full'],
])

/** Where things are inside the data folder. */
export interface Folders {
  database: string
  run: string
  log: string
  work: string
  volumes: string
  volumesImage: string
  images: string
  objects: string
  rings: string
  secrets: string
  pidFile: string
}

/** Returns the paths of the folders in a data folder. */
export function foldersOf(dataFolder: string): Folders {
  const at = (...parts: string[]): string => join(dataFolder, ...parts)
  return {
    database: at('db'),
    run: at('run'),
    log: at('log'),
    work: at('work'),
    volumes: at('volumes'),
    volumesImage: at('volumes.xfs'),
    images: at('images'),
    objects: at('objects'),
    rings: at('rings'),
    secrets: at('secrets.json'),
    pidFile: at('run', 'hearth.pid'),
  }
}

/**
 * Creates the folders that every role uses, readable by their owner only. Throws UnusableFolder when the data folder
 * cannot be created or written to.
 */
export function makeFolders(dataFolder: string): Folders {
  const folders = foldersOf(dataFolder)
  try {
    makeFolder(dataFolder)
    accessSync(dataFolder, constants.W_OK | constants.X_OK)
    for (const folder of [folders.database, folders.run, folders.log, folders.work]) makeFolder(folder)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    throw errors.UnusableFolder({ folder: dataFolder, reason: reasons.get(code) ?? (error as Error).message }, error)
  }
  return folders
}

/** As mkdir -p, mode 0700. Not Node's own recursion: it never ends below /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) {
    if (!statSync(folder).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' })
    return
  }
  makeFolder(dirname(folder))
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    // Another process was quicker.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
