import type { ProxyDeps } from '../deps.ts'
import type { Handler } from '../request.ts'

/** A part of Swift that wraps what lies below it, as Swift's middleware does. */
export interface Feature {
  name: string
  /** What /info says of it; left out when absent. */
  capability?: Record<string, unknown>
  wrap(next: Handler, deps: ProxyDeps): Handler
}
