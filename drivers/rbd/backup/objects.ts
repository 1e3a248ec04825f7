import { type BackupStore, DriverError } from '@hearth/driver'
import { codeOf, type Pool } from '../ceph/librados.ts'
import type { PoolConnection } from '../ceph/pool-connection.ts'
import { openSpace } from '../ceph/pool-space.ts'
import { type NameIndex, openNameIndex } from './name-index.ts'

/** RADOS namespace that separates backup objects from the images of the pool. */
const namespace = 'backups'
/** RADOS bounds object names; 400 bytes leave room for the container's prefix. */
const longestName = 400
/** Milliseconds for which free space is cached: the cluster's own figures are seconds old anyway. */
const freshMs = 1000

type Objects = Pick<BackupStore, 'prepare' | 'put' | 'get' | 'list' | 'delete'>

/**
 * Stores backup objects as RADOS objects. The index records a name before its object is written and marks it as whole
 * afterwards, so that leftovers of a crash are found by their names.
 */
export function openBackupObjects(connection: PoolConnection, poolName: string): Objects {
  const space = openCachedSpace()
  const at = async (container: string, name = '') => {
    const key = keyOf(container, name)
    const pool = await connection.other(poolName, namespace)
    return { pool, key, index: openNameIndex(pool, encodeURIComponent(container)) }
  }
  return {
    async prepare(container) {
      const { pool, key } = await at(container)
      // Nothing to create; this fails early when the user cannot use the pool.
      await isThere(pool, key)
    },
    async put(container, name, data, signal) {
      stop(signal, name)
      const { pool, key, index } = await at(container, name)
      await space(pool, data.length)
      await index.set(name, 'begun')
      try {
        stop(signal, name)
        await pool.writeObject(key, data)
      } catch (error) {
        await remove(pool, key, index, name).catch(() => undefined)
        throw error
      }
      await index.set(name, 'whole')
    },
    async get(container, name, signal) {
      stop(signal, name)
      const { pool, key } = await at(container, name)
      const { sizeBytes } = await pool.statObject(key)
      const data = Buffer.allocUnsafeSlow(sizeBytes)
      const length = sizeBytes === 0 ? 0 : await pool.readObject(key, data)
      stop(signal, name)
      return data.subarray(0, length)
    },
    async list(container, prefix) {
      const { pool, key, index } = await at(container)
      const names: string[] = []
      for (const { name, state } of await index.find(prefix)) {
        if (state === 'whole' || (await isThere(pool, key + name))) names.push(name)
      }
      return names.sort()
    },
    async delete(container, name) {
      const { pool, key, index } = await at(container, name)
      await remove(pool, key, index, name)
    },
  }
}

function keyOf(container: string, name: string): string {
  const key = `${encodeURIComponent(container)}/${name}`
  if (Buffer.byteLength(key) <= longestName && !key.includes('\0')) return key
  throw new DriverError('invalid', `${key.slice(0, 60)}… cannot name a backup object: ${longestName} bytes at most`)
}

async function remove(pool: Pool, key: string, index: NameIndex, name: string): Promise<void> {
  await pool.removeObject(key)
  await index.remove(name)
}

async function isThere(pool: Pool, key: string): Promise<boolean> {
  try {
    await pool.statObject(key)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

function stop(signal: AbortSignal | undefined, name: string): void {
  if (signal?.aborted) throw new DriverError('aborted', `${name}: aborted`)
}

function openCachedSpace(): (pool: Pool, bytes: number) => Promise<void> {
  let known: { at: number; space: ReturnType<typeof openSpace> } | undefined
  return async (pool, bytes) => {
    if (!known || performance.now() - known.at > freshMs) {
      known = { at: performance.now(), space: openSpace(pool, 'a backup object') }
    }
    ;(await known.space)(bytes)
  }
}
