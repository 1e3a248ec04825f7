import { hostname } from 'node:os'
import { errorTable, own } from '@hearth/core'
import { type ConnectorDriver, type DriverDeps, openDriver } from '@hearth/driver'
import type { Config, PluginConfig } from '../config-types.ts'

const errors = errorTable({
  NoConnector: [
    400,
    'volumes of the kind {kind} cannot be attached: the configuration has no connectors.{kind} (it has {kinds})',
  ],
  NoConnectorWorks: [503, 'no connector works on this host: {reasons}'],
})

/** Connectors by `driver_volume_type`. */
export interface Connectors {
  /**
   * Returns the properties of this host for an attachment, from all connectors that work here. Throws when none does.
   */
  properties(): Promise<Record<string, unknown>>
  of(kind: string): Promise<ConnectorDriver>
  close(): Promise<void>
}

const defaults: Record<string, PluginConfig> = {
  iscsi: { driver: '@hearth/driver-iscsi', options: {} },
  nfs: { driver: '@hearth/driver-nfs', options: {} },
  rbd: { driver: '@hearth/driver-rbd', options: {} },
}

/** Opens the connectors of this host. */
export function openConnectors(config: Config, deps: DriverDeps): Connectors {
  const plugins = { ...defaults, ...config.connectors }
  const opened = new Map<string, Promise<ConnectorDriver>>()
  const of = (kind: string): Promise<ConnectorDriver> => {
    const plugin = own(plugins, kind)
    if (!plugin) throw errors.NoConnector({ kind, kinds: Object.keys(plugins).join(', ') })
    const known = opened.get(kind) ?? openDriver('connector', plugin.driver, plugin.options, deps)
    opened.set(kind, known)
    return known
  }
  return {
    of,
    async properties() {
      const kinds = Object.keys(plugins)
      const told = await Promise.allSettled(kinds.map(async (kind) => (await of(kind)).properties()))
      const works = told.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      const reasons = told.flatMap((one, at) =>
        one.status === 'rejected' ? [`${kinds[at]}: ${(one.reason as Error).message}`] : [],
      )
      for (const reason of reasons) deps.log.debug({ reason }, 'a connector does not work here')
      if (works.length === 0) throw errors.NoConnectorWorks({ reasons: reasons.join('; ') })
      return Object.assign({ host: hostname(), os_type: 'linux', multipath: false }, ...works) as Record<
        string,
        unknown
      >
    },
    async close() {
      for (const one of opened.values()) await one.then((connector) => connector.close?.()).catch(() => undefined)
    },
  }
}
