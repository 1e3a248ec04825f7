import { ConfigError, closest } from '@hearth/core'
import { examineDriver, isDriverError, type RoleName } from '@hearth/driver'
import type { Config, PluginConfig } from './config-types.ts'

/** The drivers that come with the suite. */
export const shippedDrivers = ['file', 'lvm', 'nfs', 'rbd', 'iscsi', 'swift', 'memory'].map(
  (name) => `@hearth/driver-${name}`,
)

interface Use {
  /** Key of the configuration, e.g. `volume.backends.fast`. */
  key: string
  role: RoleName
  plugin: PluginConfig
  /** Roles of the suite that open it. */
  by: string[]
}

/** Every driver that the configuration names. */
function uses({ volume, image }: Config): Use[] {
  const backends = Object.entries(volume.backends ?? {}).flatMap(([name, backend]): Use[] => {
    const key = `volume.backends.${name}`
    const by = ['cinder.volume', 'cinder.backup']
    const plugin: Use = { key, role: 'volume', plugin: backend, by }
    return backend.export ? [plugin, { key: `${key}.export`, role: 'export', plugin: backend.export, by }] : [plugin]
  })
  const stores = Object.entries(image.stores ?? {}).map(
    ([name, plugin]): Use => ({ key: `image.stores.${name}`, role: 'image', plugin, by: ['glance.api'] }),
  )
  const backup: Use[] = volume.backup
    ? [{ key: 'volume.backup', role: 'backup', plugin: volume.backup, by: ['cinder.backup'] }]
    : []
  return [...backends, ...backup, ...stores]
}

/**
 * Checks the drivers that these roles will open, and their options, without opening any. Throws ConfigError with the
 * key of each that cannot work.
 */
export async function checkDrivers(config: Config, roles: string[]): Promise<void> {
  const wanted = uses(config).filter(({ by }) => by.some((role) => roles.includes(role)))
  const problems = (await Promise.all(wanted.map(problemsOf))).flat()
  const { stores, defaultStore } = config.image
  if (defaultStore !== null && stores !== null && !Object.hasOwn(stores, defaultStore))
    problems.push(`image.defaultStore: "${defaultStore}" is none of image.stores: ${Object.keys(stores).join(', ')}`)
  if (problems.length > 0) throw new ConfigError(problems)
}

async function problemsOf({ key, role, plugin }: Use): Promise<string[]> {
  try {
    const wrong = await examineDriver(role, plugin.driver, plugin.options)
    return wrong.map((problem) => `${key}.options${problem.key === null ? '' : `.${problem.key}`}: ${problem.rule}`)
  } catch (error) {
    if (!isDriverError(error)) throw error
    const meant = closest(plugin.driver, shippedDrivers) ?? closest(`@hearth/driver-${plugin.driver}`, shippedDrivers)
    const hint = meant && meant !== plugin.driver ? `; did you mean ${meant}?` : ''
    return [`${key}.driver: ${error.message}${hint} Drivers of the suite are ${shippedDrivers.join(', ')}`]
  }
}
