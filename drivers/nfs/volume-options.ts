import { mountOptions, optionsPattern, sharePattern } from './mount.ts'

export const volumeOptions = {
  type: 'object',
  additionalProperties: false,
  required: ['shares', 'mountBase'],
  properties: {
    shares: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['share'],
        properties: {
          share: { type: 'string', pattern: sharePattern, description: 'host:/export' },
          options: { type: 'string', pattern: optionsPattern, description: 'for mount -o, such as vers=4.2' },
        },
      },
    },
    ...mountOptions,
    format: {
      enum: ['raw', 'qcow2'],
      default: 'raw',
      description: 'of new volumes; existing volumes keep their format',
    },
    sparse: { type: 'boolean', default: true, description: 'false gives new raw volumes all their blocks at once' },
    snapshotSupport: { type: 'boolean', default: true, description: 'false refuses snapshots' },
    poolName: { type: 'string', default: 'nfs' },
    reservedPercentage: { type: 'integer', minimum: 0, maximum: 100, default: 0 },
    maxOverSubscriptionRatio: { type: 'number', minimum: 1, default: 20 },
    commandSeconds: {
      type: 'number',
      minimum: 1,
      default: 30,
      description: 'a share that does not respond for longer is down',
    },
    copySeconds: { type: 'number', minimum: 1, default: 86_400, description: 'the longest that a copy may take' },
    retrySeconds: { type: 'number', minimum: 0, default: 5, description: 'until a share that is down is tried again' },
    retryMaxSeconds: { type: 'number', minimum: 0, default: 300, description: 'the wait doubles up to this' },
    capabilities: { type: 'object', default: {} },
  },
}

export interface VolumeOptions {
  shares: { share: string; options?: string }[]
  mountBase: string
  mountSeconds: number
  format: 'raw' | 'qcow2'
  sparse: boolean
  snapshotSupport: boolean
  poolName: string
  reservedPercentage: number
  maxOverSubscriptionRatio: number
  commandSeconds: number
  copySeconds: number
  retrySeconds: number
  retryMaxSeconds: number
  capabilities: Record<string, unknown>
}
