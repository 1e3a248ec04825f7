import type { Logger } from '@hearth/core'
import type { Channel, ConsumeMessage } from 'amqplib'
import { handleCast, type Served } from '../handle.ts'
import type { Tasks } from '../tasks.ts'
import type { Message } from '../topic.ts'
import type { Body } from './sender.ts'

/** Stores a failed delivery, which is repeated after a pause. */
export type PutBack = (served: Served, message: Message<unknown>, attempts: number) => Promise<void>

const mostRemembered = 5000

/**
 * Handles casts and acknowledges them afterwards. When a channel breaks, the broker delivers unacknowledged messages
 * again, even while their handlers still run here; such a delivery joins the running handler and does not start a
 * second one.
 */
export class CastWorker {
  readonly #log: Logger
  readonly #putBack: PutBack
  readonly #tasks: Tasks
  /** Functions that acknowledge running messages, by message id and attempts. */
  readonly #working = new Map<string, () => void>()
  /** Messages that were handled lately. */
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
        // The channel is closed: the broker delivers the message again, and #done contains it.
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
      // Not acknowledged: the broker keeps the message and delivers it again when this connection ends.
      this.#log.error({ err: error, topic: served.topic.name }, 'could not store a failed message for another delivery')
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
