import { type BackupStore, type DriverDeps, DriverError } from '@hearth/driver'
import { sharedState } from './shared-state.ts'

export const backupOptions = {
  type: 'object',
  additionalProperties: false,
  properties: {
    name: { type: 'string', description: 'stores opened under one name see the same objects' },
    totalBytes: { type: 'integer', minimum: 0, default: 1024 ** 3 },
  },
}

const stores = new Map<string, Map<string, Map<string, Uint8Array>>>()

/** Keeps backup objects in this process. */
export async function openMemoryBackup(options: Record<string, unknown>, _deps: DriverDeps): Promise<BackupStore> {
  const { totalBytes } = options as { totalBytes: number }
  const containers = sharedState(stores, options.name, () => new Map<string, Map<string, Uint8Array>>())
  const used = () =>
    [...containers.values()].flatMap((objects) => [...objects.values()]).reduce((sum, data) => sum + data.length, 0)
  return {
    async prepare(container) {
      if (!containers.has(container)) containers.set(container, new Map())
    },
    async put(container, name, data, signal) {
      if (signal?.aborted) throw new DriverError('aborted', `${container}/${name}: aborted`)
      const objects = containers.get(container)
      if (!objects) throw new DriverError('not-found', `There is no container ${container}`)
      const before = objects.get(name)?.length ?? 0
      if (used() - before + data.length > totalBytes) {
        throw new DriverError('no-space', `No room for ${container}/${name}`)
      }
      objects.set(name, Uint8Array.from(data))
    },
    async get(container, name, signal) {
      if (signal?.aborted) throw new DriverError('aborted', `${container}/${name}: aborted`)
      const data = containers.get(container)?.get(name)
      if (!data) throw new DriverError('not-found', `There is no ${container}/${name}`)
      return Uint8Array.from(data)
    },
    async list(container, prefix) {
      const names = [...(containers.get(container)?.keys() ?? [])]
      return names.filter((name) => name.startsWith(prefix)).sort()
    },
    async delete(container, name) {
      containers.get(container)?.delete(name)
    },
  }
}
