import type { Command } from 'commander'
import { type Config, loadConfig } from '../config.ts'
import { trustAuthorities } from '../tls-config.ts'

/** The configuration named by the global `--config`; its authority is trusted from here on. */
export function configOf(command: Command): Config {
  const config = loadConfig(command.optsWithGlobals<{ config?: string }>().config)
  trustAuthorities([config.tls.authority])
  return config
}
