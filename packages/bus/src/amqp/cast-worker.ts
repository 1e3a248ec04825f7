import type { Logger } from '@hearth/core'
import type { Channel, ConsumeMessage } from 'amqplib'
import { handleCast, type Served } from '../handle.ts'
import type { Tasks } from '../tasks.ts'
import type { Message } from '../topic.ts'
import type { Body } from './sender.ts'

/** Keeps a delivery that failed, to be made again after a pause. */
export type PutBack = (served: Served, message: Message<unknown>, attempts: number) => Promise<void>

const mostRemembered = 5000

/**
 * Handles casts and acknowledges them afterwards. The broker delivers again what was not acknowledged when a channel
 * broke, even while its handler is still at work here; such a delivery joins the work instead of starting it twice.
 */
export class CastWorker {
  readonly #log: Logger
  readonly #putBack: PutBack
  readonly #tasks: Tasks
  /** How to acknowledge what is at work, by message id and attempts. */
  readonly #working = new Map<string, () => void>()
  /** What was done lately. */
  readonly #done = new Set<string>()

  constructor(log: Logger, putBack: PutBack, tasks: Tasks) {
    this.#log = log
    this.#putBack = putBack
    this.#tasks = tasks
  }

  take(channel: Channel, served: Served, delivered: ConsumeMessage): void {
    const attempts = Number(delivered.properties.headers?.attempts ?? 0)
    const key = `${delivered.properties.messageId} ${attempts}`
    const acknowledge = (): void => {
      try {
        channel.ack(delivered)
      } catch {
        // The channel is gone: the broker delivers it again, and #done knows it.
      }
    }
    if (this.#done.has(key)) {
      acknowledge()
      return
    }
    const begun = this.#working.has(key)
    this.#working.set(key, acknowledge)
    if (!begun) this.#tasks.add(this.#work(key, served, delivered, attempts))
  }

  async #work(key: string, served: Served, delivered: ConsumeMessage, attempts: number): Promise<void> {
    const unsure = delivered.fields.redelivered ? 1 : 0
    try {
      const { payload, context } = JSON.parse(delivered.content.toString()) as Body
      const id: string = delivered.properties.messageId
      const message = { id, payload, context, attempt: attempts + 1 + unsure }
      const over = await handleCast(served, message, this.#log)
      if (!over) await this.#putBack(served, message, attempts + 1)
      this.#remember(key)
      this.#working.get(key)?.()
    } catch (error) {
      // Not acknowledged: it stays the broker's, which delivers it when this connection ends.
      this.#log.error({ err: error, topic: served.topic.name }, 'a message could not be put back')
    } finally {
      this.#working.delete(key)
    }
  }

  #remember(key: string): void {
    this.#done.add(key)
    if (this.#done.size <= mostRemembered) return
    for (const oldest of this.#done) {
      this.#done.delete(oldest)
      return
    }
  }
}
