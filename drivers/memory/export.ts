import type { Chap, DriverDeps, ExportDriver, Exported } from '@hearth/driver'
import { sharedState } from './shared-state.ts'

export const exportOptions = {
  type: 'object',
  additionalProperties: false,
  properties: {
    name: { type: 'string', description: 'exports opened under one name see the same targets' },
    prefix: { type: 'string', default: 'iqn.2010-10.org.openstack:' },
    portals: { type: 'array', items: { type: 'string' }, minItems: 1, default: ['127.0.0.1:3260'] },
  },
}

const servers = new Map<string, Map<string, Chap | null>>()

/** Records the offered devices; no server listens. */
export async function openMemoryExport(options: Record<string, unknown>, _deps: DriverDeps): Promise<ExportDriver> {
  const { prefix, portals } = options as { prefix: string; portals: string[] }
  const targets = sharedState(servers, options.name, () => new Map<string, Chap | null>())
  return {
    async start() {},
    async create({ name, chap }): Promise<Exported> {
      targets.set(name, chap)
      return { portals: [...portals], iqn: `${prefix}${name}`, lun: 1, chap }
    },
    async remove(name) {
      targets.delete(name)
    },
    async resize() {},
    async list() {
      return [...targets.keys()].sort()
    },
    async sessions() {
      return []
    },
    async close() {},
  }
}
