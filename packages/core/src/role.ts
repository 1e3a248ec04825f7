/** Names of what a role cannot work without and that is not there now; empty when it is ready. Nothing in them is secret. */
export type Readiness = () => Promise<string[]>

/** A running part of the suite: an API, a scheduler, a worker. */
export interface Running {
  /** Base URL, for roles that listen. */
  url?: string
  /** Finishes what was begun, takes nothing new, frees everything. Safe to call twice. */
  close(): Promise<void>
}
