/** Returns the names of needed things that are missing now; empty when the role is ready. The names hold no secrets. */
export type Readiness = () => Promise<string[]>

/** A running process role: an API, a scheduler, a worker. */
export interface Running {
  /** Base URL, for roles that listen. */
  url?: string
  /** Takes no new work, finishes running work, frees everything. May be called twice. */
  close(): Promise<void>
}
