import type { Runner } from './runner.ts'

export interface OpenBlocks {
  mode: 'r' | 'rw'
  /** Runs qemu-nbd and its like, on this host; an ordinary one when absent. */
  run?: Runner
  /** Secrets that the address names (`"password-secret": "<id>"`), by id; they never stand in a command line. */
  secrets?: Record<string, string>
}
