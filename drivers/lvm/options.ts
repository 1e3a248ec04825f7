/** LVM's rule for names, without a leading dash. */
const lvmName = '^[A-Za-z0-9_+.][A-Za-z0-9_+.-]{0,126}$'
const percent = { type: 'integer', minimum: 1, maximum: 100 }

export const volumeOptions = {
  type: 'object',
  additionalProperties: false,
  required: ['volumeGroup'],
  properties: {
    volumeGroup: { type: 'string', pattern: lvmName, not: { enum: ['.', '..'] } },
    type: {
      enum: ['thin', 'thick', 'auto'],
      default: 'auto',
      description: 'how new volumes are made; auto: thin when the pool exists or the group is empty and LVM can',
    },
    poolName: { type: 'string', pattern: lvmName, description: 'name of the thin pool; default: <volumeGroup>-pool' },
    mirrors: {
      type: 'integer',
      minimum: 0,
      maximum: 8,
      default: 0,
      description: 'number of additional copies of every extent',
    },
    reservedPercentage: { type: 'integer', minimum: 0, maximum: 100, default: 0 },
    maxOverSubscriptionRatio: { type: 'number', minimum: 1, default: 20 },
    clear: {
      enum: ['zero', 'none'],
      default: 'zero',
      description: 'thick: zero overwrites the bytes of a deleted volume or snapshot',
    },
    clearSizeMiB: { type: 'integer', minimum: 0, default: 0, description: 'thick: how much of it is zeroed; 0: all' },
    zeroNew: {
      type: 'boolean',
      default: true,
      description: 'thick: zeroes the new extents of a volume; if false, readers see the old content of those extents',
    },
    snapshotPercent: {
      ...percent,
      default: 100,
      description:
        'thick: room of a snapshot for overwritten bytes, in percent of its volume; a snapshot that overflows is lost',
    },
    copies: {
      enum: ['sparse', 'whole'],
      default: 'sparse',
      description: 'thick: sparse skips zeros, which saves writes and costs processor time',
    },
    poolWarnPercent: {
      ...percent,
      default: 80,
      description: 'thin: a warning is logged when data or metadata of the pool are fuller',
    },
    poolExtendPercent: {
      ...percent,
      default: 75,
      description: 'thin: a pool that is fuller is grown while its group has room; 100: never',
    },
    poolExtendBy: { ...percent, default: 20, description: 'thin: percent of its size that the pool grows by' },
    poolRefusePercent: {
      ...percent,
      default: 95,
      description: 'thin: a pool that is fuller refuses new volumes and snapshots',
    },
    watchSeconds: {
      type: 'integer',
      minimum: 1,
      default: 30,
      description: 'thin: time between two checks of the pool',
    },
    capabilities: { type: 'object', default: {} },
  },
}

export interface Options {
  volumeGroup: string
  type: 'thin' | 'thick' | 'auto'
  poolName?: string
  mirrors: number
  reservedPercentage: number
  maxOverSubscriptionRatio: number
  clear: 'zero' | 'none'
  clearSizeMiB: number
  zeroNew: boolean
  snapshotPercent: number
  copies: 'sparse' | 'whole'
  poolWarnPercent: number
  poolExtendPercent: number
  poolExtendBy: number
  poolRefusePercent: number
  watchSeconds: number
  capabilities: Record<string, unknown>
}
