import type { Chap } from '@hearth/driver'

export const exportOptions = {
  type: 'object',
  additionalProperties: false,
  properties: {
    target: {
      enum: ['tgt', 'lio', 'auto'],
      default: 'tgt',
      description: "tgtd in user space, the kernel's own, or the kernel's own where the host has it",
    },
    prefix: { type: 'string', pattern: '^iqn\\.\\d{4}-\\d{2}\\.[a-z0-9.-]+:$', default: 'iqn.2010-10.org.openstack:' },
    portals: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: { type: 'string', pattern: '^(\\d+\\.\\d+\\.\\d+\\.\\d+|\\[[0-9a-f:]+\\]):\\d{1,5}$' },
      default: ['127.0.0.1:3260'],
      description: 'address:port each; IPv6 addresses in brackets',
    },
    runFolder: { type: 'string', minLength: 1, description: 'of tgt: keeps its control socket and pid file' },
    control: {
      enum: ['socket', 'tgtadm'],
      default: 'socket',
      description: 'of tgt: how it is spoken to: directly, or by a tgtadm command each time (sudo, another host)',
    },
    directIo: {
      type: 'boolean',
      default: true,
      description: 'of tgt: bypass the page cache of the volumes where their device allows it',
    },
    ioThreads: { type: 'integer', minimum: 1, maximum: 64, default: 8, description: 'of tgt: per volume' },
    mutual: {
      type: 'object',
      additionalProperties: false,
      required: ['username', 'password'],
      properties: {
        username: { type: 'string', minLength: 1 },
        password: { type: 'string', minLength: 12, writeOnly: true },
      },
      description: 'of lio: what targets prove themselves with to initiators that ask for it (mutual CHAP)',
    },
  },
}

export interface IscsiOptions {
  target: 'tgt' | 'lio' | 'auto'
  prefix: string
  portals: string[]
  runFolder?: string
  control: 'socket' | 'tgtadm'
  directIo: boolean
  ioThreads: number
  mutual?: Chap
}

/** The options that tgt uses. */
export type TgtOptions = IscsiOptions & { runFolder: string }
