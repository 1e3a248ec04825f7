import { createHash } from 'node:crypto'
import type { BackupStore } from '@hearth/driver'
import type { SwiftClient } from './client.ts'

/** Backup objects in the containers of an account, each checked by its md5 on arrival. */
export function openBackupStore(client: SwiftClient): BackupStore {
  return {
    prepare: (container) => client.call('PUT', { path: [container] }),
    async put(container, name, data, signal) {
      const headers = {
        etag: createHash('md5').update(data).digest('hex'),
        'content-length': String(data.length),
        'content-type': 'application/octet-stream',
      }
      await client.call('PUT', { path: [container, name], headers, body: data, signal })
    },
    async get(container, name, signal) {
      const response = await client.send('GET', { path: [container, name], signal })
      return new Uint8Array(await response.body.arrayBuffer())
    },
    list: async (container, prefix) => (await client.names(container, prefix)).sort(),
    async delete(container, name) {
      await client.remove(container, name)
    },
    close: () => client.close(),
  }
}
