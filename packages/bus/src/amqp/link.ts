import type { Socket } from 'node:net'
import { certificateProblem, errorTable, type Logger, redactUrl, type ServerTls } from '@hearth/core'
import amqp, { type ChannelModel } from 'amqplib'
import { within } from '../tasks.ts'

/** Address of the broker, and how to verify its certificate. */
export interface Broker {
  url: string
  tls: ServerTls | undefined
}

interface LinkOptions {
  broker: Broker
  /** Shown in the broker's list of connections. */
  name: string
  log: Logger
  /** Called on every new connection; the connection counts as up afterwards. */
  setUp?(model: ChannelModel): Promise<void>
  /** Called when the connection is up. */
  up?(): void
  /** Called when a connection that was up is lost. */
  down?(): void
}

const firstPause = 100
const longestPause = 5000
const goodbyeMs = 2000
/** Milliseconds of attempts for the first connection: services and broker may start together. */
const firstPatience = 8000

const errors = errorTable({
  CannotReach: [503, 'bus (HEARTH_BUS): cannot reach the message broker {url}: {reason}'],
})

/** A connection to the broker that reconnects by itself. */
export class Link {
  readonly #options: LinkOptions
  #model: ChannelModel | undefined
  #opening: ChannelModel | undefined
  #closing = false
  #timer: NodeJS.Timeout | undefined

  constructor(options: LinkOptions) {
    this.#options = options
  }

  /** Connects. Throws when the broker refuses or cannot be reached for 8 s; the error does not contain the password. */
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

  /** Returns the connection while it is up and set up. */
  current(): ChannelModel | undefined {
    return this.#model
  }

  /** Closes the connection; destroys its socket when the broker does not respond. */
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
    opened.on('blocked', (reason) => log.warn({ reason }, 'the message broker is blocked and takes no messages'))
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
          () => log.info('connected to the message broker again'),
          (error: unknown) => {
            log.warn({ err: error }, 'could not connect to the message broker; trying again')
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
 * Closes a connection or a channel that may be closed already; amqplib reports that by a throw or by a rejection.
 */
export async function closeQuietly(open: { close(): Promise<void> }): Promise<void> {
  try {
    await open.close()
  } catch {
    // It is closed already.
  }
}

function withHeartbeat(url: string): string {
  return /[?&]heartbeat=/.test(url) ? url : `${url}${url.includes('?') ? '&' : '?'}heartbeat=20`
}
