import type { Socket } from 'node:net'
import { certificateProblem, errorTable, type Logger, redactUrl, type ServerTls } from '@hearth/core'
import amqp, { type ChannelModel } from 'amqplib'
import { within } from '../tasks.ts'

/** Where the broker is, and how its certificate is verified. */
export interface Broker {
  url: string
  tls: ServerTls | undefined
}

export interface LinkOptions {
  broker: Broker
  /** Shown in the broker's list of connections. */
  name: string
  log: Logger
  /** Called on every new connection; it counts as up when this is done. */
  setUp?(model: ChannelModel): Promise<void>
  /** Called when the connection is up. */
  up?(): void
  /** Called when a connection that was up is gone. */
  down?(): void
}

const firstPause = 100
const longestPause = 5000
const goodbyeMs = 2000
/** How long the first connection is tried: services and broker may start together. */
const firstPatience = 8000

const errors = errorTable({
  CannotReach: [503, 'bus (HEARTH_BUS): cannot reach the message broker {url}: {reason}'],
})

/** A connection to the broker that comes back by itself. */
export class Link {
  readonly #options: LinkOptions
  #model: ChannelModel | undefined
  #opening: ChannelModel | undefined
  #closing = false
  #timer: NodeJS.Timeout | undefined

  constructor(options: LinkOptions) {
    this.#options = options
  }

  /** Connects; throws when the broker refuses, or is not there within 8 s. The password is not in the error. */
  async open(): Promise<void> {
    const end = Date.now() + firstPatience
    for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
      try {
        return await this.#connect()
      } catch (error) {
        const reason = reasonOf(error)
        const refused = /ACCESS[-_]REFUSED|NOT_ALLOWED|\b403\b|\b530\b/.test(reason)
        if (refused || certificateProblem(error) !== null || Date.now() > end) {
          const url = redactUrl(this.#options.broker.url)
          throw errors.CannotReach({ url, reason }, error)
        }
        await new Promise((resolve) => setTimeout(resolve, pause))
      }
    }
  }

  /** The connection, while it is up and set up. */
  current(): ChannelModel | undefined {
    return this.#model
  }

  /** Says goodbye to the broker, or hangs up when it does not answer. */
  async close(): Promise<void> {
    this.#closing = true
    clearTimeout(this.#timer)
    const model = this.#model ?? this.#opening
    if (!model) return
    const closed = await within(closeQuietly(model), goodbyeMs)
    if (!closed) (model.connection as unknown as { stream: Socket }).stream.destroy()
  }

  async #connect(): Promise<void> {
    const { broker, name, log, setUp } = this.#options
    const opened = await amqp.connect(withHeartbeat(broker.url), {
      ...(broker.tls && { ca: broker.tls.authority, minVersion: 'TLSv1.2' }),
      noDelay: true,
      timeout: firstPatience,
      clientProperties: { connection_name: name },
    })
    this.#opening = opened
    let failure: unknown
    let gone = false
    opened.on('error', (error) => {
      failure = error
    })
    opened.on('blocked', (reason) => log.warn({ reason }, 'the message broker takes no messages for now'))
    opened.on('unblocked', () => log.info('the message broker takes messages again'))
    opened.on('close', (error?: Error) => {
      gone = true
      if (this.#model === opened) this.#lost(failure ?? error)
    })
    try {
      await setUp?.(opened)
      if (gone) throw new Error('the connection was lost at once', { cause: failure })
    } catch (error) {
      await closeQuietly(opened)
      throw error
    } finally {
      this.#opening = undefined
    }
    if (this.#closing) {
      await closeQuietly(opened)
      return
    }
    this.#model = opened
    this.#options.up?.()
  }

  #lost(reason: unknown): void {
    this.#model = undefined
    this.#options.down?.()
    if (this.#closing) return
    const url = redactUrl(this.#options.broker.url)
    this.#options.log.warn({ err: reason, url }, 'the connection to the message broker was lost')
    this.#again(firstPause)
  }

  #again(pause: number): void {
    const { log } = this.#options
    this.#timer = setTimeout(
      () => {
        this.#connect().then(
          () => log.info('the message broker is back'),
          (error: unknown) => {
            log.warn({ err: error }, 'the message broker is still away')
            if (!this.#closing) this.#again(Math.min(pause * 2, longestPause))
          },
        )
      },
      pause * (0.75 + Math.random() / 2),
    )
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}

/**
 * Closes a connection or a channel, which may be gone already; amqplib says that now by a throw, now by a rejection.
 */
export async function closeQuietly(open: { close(): Promise<void> }): Promise<void> {
  try {
    await open.close()
  } catch {
    // Gone is what was wanted.
  }
}

function withHeartbeat(url: string): string {
  return /[?&]heartbeat=/.test(url) ? url : `${url}${url.includes('?') ? '&' : '?'}heartbeat=20`
}
