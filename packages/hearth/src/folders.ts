import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

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

/** Makes the folders every role relies on; only their owner may look inside. */
export function makeFolders(dataFolder: string): Folders {
  const folders = foldersOf(dataFolder)
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 })
  for (const folder of [folders.database, folders.run, folders.log, folders.work])
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folders
}
