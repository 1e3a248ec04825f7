import type { Command } from 'commander'
import { type Config, loadConfig } from '../config.ts'

/** The configuration named by the global `--config`. */
export function configOf(command: Command): Config {
  return loadConfig(command.optsWithGlobals<{ config?: string }>().config)
}
