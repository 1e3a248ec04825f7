import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { ConfigError, readConfig } from '@hearth/core'
import { configSchema } from './config-schema.ts'
import type { Config, ListenerConfig } from './config-types.ts'
import { readTlsConfig } from './tls-config.ts'

/** Returns the environment variables that OpenStack clients read: the login (`OS_…`) and the user's HOME. */
export function clientEnvironment(): Record<string, string | undefined> {
  const isWanted = ([name]: [string, unknown]): boolean => name.startsWith('OS_') || name === 'HOME'
  return Object.fromEntries(Object.entries(process.env).filter(isWanted))
}

/** Returns the environment without HEARTH_CONFIG, tests' variables and those Kubernetes sets for a service `hearth`. */
function ownVariables(): Record<string, string | undefined> {
  const isForeign = (name: string): boolean =>
    name === 'HEARTH_CONFIG' || /^HEARTH_(TEST_\w+|SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_\w+)?)$/.test(name)
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isForeign(name)))
}

/**
 * Reads `file` (else `HEARTH_CONFIG`, else ./hearth.yaml if there is one) and the `HEARTH_…` environment.
 * Relative folders are resolved from the file's folder. Throws ConfigError naming every wrong key.
 */
export function loadConfig(file?: string): Config {
  const named = file ?? process.env.HEARTH_CONFIG
  const path = resolve(named ?? 'hearth.yaml')
  if (named !== undefined && !existsSync(path)) throw new ConfigError([`${path}: there is no such file`])
  const source = existsSync(path) ? readFileSync(path, 'utf8') : undefined
  const config = readConfig<Config>({
    schema: configSchema,
    text: source,
    file: source === undefined ? 'defaults' : path,
    env: ownVariables(),
    envPrefix: 'HEARTH',
  })
  const base = source === undefined ? process.cwd() : dirname(path)
  const absolute = (folder: string): string => (isAbsolute(folder) ? folder : join(base, folder))
  config.dataFolder = absolute(config.dataFolder)
  readTlsConfig(config, absolute)
  config.hostName ??= hostname()
  for (const part of ['identity', 'volume', 'image', 'object'] as const) {
    const section: Partial<ListenerConfig> = config[part]
    if (section.policyFile) section.policyFile = absolute(section.policyFile)
    if (section.publicUrl) section.publicUrl = section.publicUrl.replace(/\/+$/, '')
  }
  if (config.object.rings !== null) config.object.rings = absolute(config.object.rings)
  if (config.log.file !== null && config.log.file !== 'stdout') config.log.file = absolute(config.log.file)
  return config
}
