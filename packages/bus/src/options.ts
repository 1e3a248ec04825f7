import type { Logger, ServerTls } from '@hearth/core'
import type { Database } from '@hearth/database'

export interface BusOptions {
  /** Holds the outbox; `cast` takes transactions of this database. */
  database: Database
  log: Logger
  /** The service this is, e.g. `cinder`: services may share a database, each delivers its own casts. */
  service: string
  /** Milliseconds before a failed cast is delivered again; doubles each time up to a minute. Default 1000. */
  firstPauseMs?: number
  /** How the broker's certificate is verified, for amqps: URLs. */
  tls?: ServerTls | undefined
}
