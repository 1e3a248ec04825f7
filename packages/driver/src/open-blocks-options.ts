import type { Runner } from './runner.ts'

export interface OpenBlocks {
  mode: 'r' | 'rw'
  /** Runs commands such as qemu-nbd on this host; a runner without a prefix when absent. */
  run?: Runner
  /** Secrets that the address names (`"password-secret": "<id>"`), by id; never passed in a command line. */
  secrets?: Record<string, string>
}
