import type { Command } from 'commander'
import { loadConfig } from '../config.ts'
import type { Config } from '../config-types.ts'
import { trustAuthorities } from '../tls-config.ts'

/** The configuration named by the global `--config`; its authority is trusted from here on. */
export function configOf(command: Command): Config {
  const config = loadConfig(command.optsWithGlobals<{ config?: string }>().config)
  trustAuthorities([config.tls.authority])
  return config
}
