import { type DriverLog, isDriverError } from '@hearth/driver'
import { type Cluster, openCluster, type Pool } from './librados.ts'

/** Options of every driver role that keeps its bytes in one pool. */
export const poolOptions = {
  conf: { type: 'string', minLength: 1, description: 'path of ceph.conf; the usual places of Ceph when absent' },
  clusterName: { type: 'string', minLength: 1, default: 'ceph' },
  connectTimeoutSeconds: { type: 'number', minimum: 1, default: 10 },
  operationTimeoutSeconds: {
    type: 'number',
    minimum: 1,
    default: 60,
    description: 'how long to wait for a response of the cluster',
  },
} as const

export interface PoolSettings {
  conf?: string
  clusterName: string
  user: string
  pool: string
  connectTimeoutSeconds: number
  operationTimeoutSeconds: number
}

export interface PoolConnection {
  /**
   * Returns the pool; connects first when no attempt has succeeded yet. Throws `unavailable` while the cluster is away.
   */
  pool(): Promise<Pool>
  /** Opens another pool or namespace of the same cluster, and keeps it open. */
  other(name: string, namespace?: string): Promise<Pool>
  /** Closes the pools and the connection; to be called after the last use. */
  close(): Promise<void>
}

/**
 * Connects to a pool. While the cluster does not respond, each use tries again, so that a service starts without it.
 * Throws every error but `unavailable` at once.
 */
export async function connectPool(settings: PoolSettings, log: DriverLog): Promise<PoolConnection> {
  const cluster = retried(() => openCluster(settings))
  const pools = new Map<string, () => Promise<Pool>>()
  const other = (name: string, namespace = ''): Promise<Pool> => {
    const key = `${namespace}/${name}`
    const open = pools.get(key) ?? retried(async () => (await cluster()).openPool(name, namespace))
    pools.set(key, open)
    return open()
  }
  const pool = () => other(settings.pool)
  await pool().catch((error: unknown) => {
    if (!isDriverError(error) || error.kind !== 'unavailable') throw error
    log.warn({ err: error, pool: settings.pool }, 'the Ceph cluster does not answer yet')
  })
  return {
    pool,
    other,
    async close() {
      for (const open of pools.values()) (await settled(open()))?.close()
      const connected: Cluster | null = await settled(cluster())
      await connected?.close()
    },
  }
}

/** Calls `open` once and keeps the result; after a failure the next call tries again. */
function retried<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined
  return () => {
    opened ??= open().catch((error: unknown) => {
      opened = undefined
      throw error
    })
    return opened
  }
}

const settled = <T>(work: Promise<T>): Promise<T | null> => work.catch(() => null)
