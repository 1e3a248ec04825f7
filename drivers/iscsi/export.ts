import type { DriverDeps, ExportDriver } from '@hearth/driver'
import { openTgt } from './tgt.ts'

export const exportOptions = {
  type: 'object',
  additionalProperties: false,
  required: ['runFolder'],
  properties: {
    target: { enum: ['tgt'], default: 'tgt', description: 'the target server' },
    prefix: { type: 'string', pattern: '^iqn\\.\\d{4}-\\d{2}\\.[a-z0-9.-]+:$', default: 'iqn.2010-10.org.openstack:' },
    portals: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: { type: 'string', pattern: '^(\\d+\\.\\d+\\.\\d+\\.\\d+|\\[[0-9a-f:]+\\]):\\d{1,5}$' },
      default: ['127.0.0.1:3260'],
      description: 'address:port each; IPv6 addresses in brackets',
    },
    runFolder: { type: 'string', minLength: 1, description: 'keeps the control socket and the pid file' },
    control: {
      enum: ['socket', 'tgtadm'],
      default: 'socket',
      description: 'how tgtd is spoken to: directly, or by a tgtadm command each time (sudo, another host)',
    },
    directIo: {
      type: 'boolean',
      default: true,
      description: 'bypass the page cache of the volumes where their device allows it',
    },
    ioThreads: { type: 'integer', minimum: 1, maximum: 64, default: 8, description: 'per volume' },
  },
}

export interface IscsiOptions {
  target: 'tgt'
  prefix: string
  portals: string[]
  runFolder: string
  control: 'socket' | 'tgtadm'
  directIo: boolean
  ioThreads: number
}

/** Offers devices over iSCSI by the target server that the options name. */
export async function openIscsiExport(options: Record<string, unknown>, deps: DriverDeps): Promise<ExportDriver> {
  return openTgt(options as unknown as IscsiOptions, deps)
}
