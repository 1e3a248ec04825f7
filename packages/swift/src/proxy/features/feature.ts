import type { ProxyDeps } from '../deps.ts'
import type { Handler } from '../request.ts'

/** A part of Swift that wraps the handlers below it, like Swift's middleware. */
export interface Feature {
  name: string
  /** Section in /info; none when absent. */
  capability?: Record<string, unknown>
  wrap(next: Handler, deps: ProxyDeps): Handler
}
