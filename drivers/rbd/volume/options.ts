import { type PoolSettings, poolOptions } from '../ceph/pool-connection.ts'

export const volumeOptions = {
  type: 'object',
  additionalProperties: false,
  properties: {
    ...poolOptions,
    pool: { type: 'string', minLength: 1, default: 'volumes' },
    user: { type: 'string', minLength: 1, default: 'cinder', description: 'without `client.`' },
    keyringFile: { type: 'string', description: 'handed to hosts that attach; they use their own when absent' },
    secretUuid: { type: 'string', description: "libvirt's secret on compute hosts; the cluster's fsid when absent" },
    maxCloneDepth: { type: 'integer', minimum: 0, default: 5, description: 'clones above it are copied; 0: all are' },
    flattenFromSnapshot: { type: 'boolean', default: false },
    chunkSizeMiB: { type: 'integer', enum: [1, 2, 4, 8, 16, 32], default: 4 },
    exclusivePool: { type: 'boolean', default: true, description: 'nobody else keeps images in the pool' },
    dynamicCapacity: { type: 'boolean', default: true, description: 'total is what is free and what is stored' },
    deferredDeletion: { type: 'boolean', default: false, description: 'deleted volumes lie in the trash for a while' },
    deletionDelaySeconds: { type: 'integer', minimum: 0, default: 0 },
    purgeIntervalSeconds: { type: 'number', minimum: 1, default: 60 },
    poolName: { type: 'string', description: "the pool's name in stats; `pool` when absent" },
    reservedPercentage: { type: 'integer', minimum: 0, maximum: 100, default: 0 },
    maxOverSubscriptionRatio: { type: 'number', minimum: 1, default: 20 },
    capabilities: { type: 'object', default: {} },
  },
}

export interface VolumeOptions extends PoolSettings {
  keyringFile?: string
  secretUuid?: string
  maxCloneDepth: number
  flattenFromSnapshot: boolean
  chunkSizeMiB: number
  exclusivePool: boolean
  dynamicCapacity: boolean
  deferredDeletion: boolean
  deletionDelaySeconds: number
  purgeIntervalSeconds: number
  poolName?: string
  reservedPercentage: number
  maxOverSubscriptionRatio: number
  capabilities: Record<string, unknown>
}
