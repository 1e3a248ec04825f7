import type { BackupStore, DriverDeps } from '@hearth/driver'
import { connectPool, type PoolSettings, poolOptions } from '../ceph/pool-connection.ts'
import { sweep } from '../image/removal.ts'
import { openBackupObjects } from './objects.ts'
import { openSources } from './source.ts'
import { openWholeBackups } from './whole.ts'

export const backupOptions = {
  type: 'object',
  additionalProperties: false,
  properties: {
    ...poolOptions,
    user: { type: 'string', minLength: 1, default: 'cinder-backup', description: 'without `client.`' },
    pool: { type: 'string', minLength: 1, default: 'backups' },
  },
}

/**
 * Opens a backup store in a Ceph pool: RBD volumes of this or another cluster are saved as differences between images,
 * all other volumes as objects.
 */
export async function openRbdBackup(given: Record<string, unknown>, { log }: DriverDeps): Promise<BackupStore> {
  const options = given as unknown as PoolSettings
  const connection = await connectPool(options, log)
  const sources = openSources(options, log)
  const swept = connection.pool().then(sweep)
  swept.catch((error: unknown) => log.warn({ err: error }, 'the sweep of deleted backups failed'))
  return {
    ...openBackupObjects(connection, options.pool),
    whole: openWholeBackups({ connection, sources, log }),
    async close() {
      await swept.catch(() => undefined)
      await sources.close()
      await connection.close()
    },
  }
}
