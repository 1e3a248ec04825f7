import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BackupStore, type DriverDeps, DriverError, openReserve } from '@hearth/driver'
import { type Folder, mapped, openFolder, whileThere } from './folder.ts'

export const backupOptions = {
  type: 'object',
  additionalProperties: false,
  required: ['folder'],
  properties: { folder: { type: 'string', minLength: 1 } },
}

/** Containers as folders, objects as files named by their percent-encoded names. */
export async function openFileBackup(options: Record<string, unknown>, deps: DriverDeps): Promise<BackupStore> {
  const reserve = deps.reserve ?? openReserve()
  const base = await openFolder(options.folder as string)
  const opened = new Map<string, Promise<Folder>>()
  const container = (name: string): Promise<Folder> => {
    const path = base.pathOf(encode(name))
    const known = opened.get(path) ?? openFolder(path)
    opened.set(path, known)
    known.catch(() => opened.delete(path))
    return known
  }
  const stop = (signal: AbortSignal | undefined, what: string) => {
    if (signal?.aborted) throw new DriverError('aborted', `${what}: aborted`)
  }
  return whileThere(base, {
    async prepare(name) {
      await container(name)
    },
    async put(into, name, data, signal) {
      stop(signal, `${into}/${name}`)
      const folder = await container(into)
      await mapped(reserve.ensure(folder.path, data.length))
      await folder.make(encode(name), (partial) =>
        writeFile(partial, data, { flag: 'wx', mode: 0o600, ...(signal ? { signal } : {}) }),
      )
    },
    async get(from, name, signal) {
      stop(signal, `${from}/${name}`)
      const path = join(base.pathOf(encode(from)), encode(name))
      return mapped(readFile(path, signal ? { signal } : {}))
    },
    async list(from, prefix) {
      const names = (await (await container(from)).names()).map(decodeURIComponent)
      return names.filter((name) => name.startsWith(prefix)).sort()
    },
    async delete(from, name) {
      await (await container(from)).remove(encode(name))
    },
  })
}

/** A file name for any name; a leading dot would hide it or lead out of the folder. */
function encode(name: string): string {
  return encodeURIComponent(name).replace(/^\./, '%2E')
}
